"""Addresses of policies. A version's address is for good."""

from django.urls import include, path

from policy.models import Kind
from policy.views import (
    accepting,
    confirming,
    console,
    declaring,
    disclosures,
    evidence,
    jurisdictions,
    proving,
    publication,
    publishing,
    reading,
    reminding,
    visits,
)
from policy.visits import counted

CRM, SITE, COMPANY = {"kind": Kind.CRM}, {"kind": Kind.SITE}, {"kind": Kind.COMPANY}

ours = [
    path("policy/", reading.current, CRM, name="current"),
    path("policy/versions/", reading.versions, CRM, name="versions"),
    path("policy/versions/<int:number>/", reading.version, CRM, name="version"),
    path("policy/versions/<int:number>/diff/", reading.diff, CRM, name="diff"),
    path("policy/proofs/", proving.proofs, name="proofs"),
    path("policy/disclosures/", disclosures.by_year, name="disclosures"),
    path("company/disclosures/", disclosures.of_company, name="company_disclosures"),
    path("privacy/versions/", reading.versions, SITE, name="site_versions"),
    path("privacy/versions/<int:number>/", reading.version, SITE, name="site_version"),
    path("privacy/versions/<int:number>/diff/", reading.diff, SITE, name="site_diff"),
    path("c/<slug:slug>/policy/", reading.current, COMPANY, name="company"),
    path("c/<slug:slug>/policy/versions/", reading.versions, COMPANY, name="company_versions"),
    path(
        "c/<slug:slug>/policy/versions/<int:number>/",
        reading.version,
        COMPANY,
        name="company_version",
    ),
    path(
        "c/<slug:slug>/policy/versions/<int:number>/diff/",
        reading.diff,
        COMPANY,
        name="company_diff",
    ),
    path("accept/", accepting.accept, name="accept"),
    path("account/confirmation/", confirming.confirm, {"proof": "any"}, name="confirm"),
    path(
        "account/confirmation/factor/",
        confirming.confirm,
        {"proof": "factor"},
        name="confirm_by_factor",
    ),
    path("decline/", accepting.decline, name="decline"),
    path("acceptances/", evidence.acceptances, name="acceptances"),
    path("acceptances/receipt/", evidence.receipt, name="receipt"),
    path("acceptances/verifier/", evidence.verifier, name="verifier"),
    path("company/policy/people/", reminding.people, name="people"),
    path("company/policy/reminders/", reminding.remind, name="remind"),
    path("company/policy/evidence/", evidence.bundle, name="bundle"),
    path("operator/policy/new/", publishing.publish, name="publish"),
    path("operator/policy/new/<slug:kind>/", publishing.publish, name="publish"),
    path("operator/policy/new/<slug:kind>/preview/", publishing.preview, name="preview"),
    path("operator/policy/new/<slug:kind>/draft/", publishing.draft, name="draft"),
    path("operator/policy/new/<slug:kind>/discard/", publishing.discard, name="discard"),
    path(
        "operator/policy/new/<slug:kind>/publication/",
        publication.publication,
        name="publication",
    ),
    path("operator/policy/new/<slug:kind>/approval/", publication.approval, name="approval"),
    path("operator/policy/new/<slug:kind>/withdrawal/", publication.withdrawal, name="withdrawal"),
    path("operator/", console.console, name="console"),
    path("operator/jurisdictions/", jurisdictions.jurisdictions, name="jurisdictions"),
    path("operator/jurisdictions/<slug:code>/lifting/", jurisdictions.lifting, name="lifting"),
    path("operator/visits/", visits.visits, name="visits"),
    path("company/policy/", publishing.company, name="company_publish"),
    path("company/citizenship/", declaring.citizenship, name="citizenship"),
    path("company/policy/preview/", publishing.company_preview, name="company_preview"),
    path("company/policy/draft/", publishing.company_draft, name="company_draft"),
    path("company/policy/discard/", publishing.company_discard, name="company_discard"),
    path(
        "company/policy/publication/",
        publication.company_publication,
        name="company_publication",
    ),
]

urlpatterns = [
    path("privacy/", counted(reading.current), SITE, name="privacy"),
    path("", include((ours, "policy"))),
]
