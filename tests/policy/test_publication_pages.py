"""The pages on which a version is written, kept, approved and published, and the notices ahead."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from policy.models import Draft, PolicyVersion
from tests.people import (
    Someone,
    adam,
    ann,
    as_,
    bea,
    gail,
    olga,
    otto,
    sign_in,
    sue,
)
from tests.policy.publications import (
    approve_crm,
    keep_crm,
    publish_company,
    publish_crm,
)

pytestmark = pytest.mark.django_db

WRITE = "/operator/policy/new/crm/"
PUBLISH = f"{WRITE}publication/"
FIELDS = {"body_en": "# Rules\n\nBe kind.", "summary_en": "All of it.", "material": "on"}


def newest(kind: str = "crm") -> int:
    with as_(ann):
        return PolicyVersion.objects.filter(kind=kind).latest("number").number


def kept(kind: str = "crm") -> Draft | None:
    with as_(olga):
        return Draft.objects.of(kind, None)


def as_somebody(someone: Someone) -> Client:
    return sign_in(Client(), someone)


def publish_as(someone: Someone, seal: str) -> HttpResponse:
    return as_somebody(someone).post(PUBLISH, {"seal": seal}, follow=True)


def test_what_is_written_is_kept_found_again_and_discarded() -> None:
    desk = as_somebody(olga)
    half = {"body_en": "# Rules of [[somebody]]", "body_ru": "", "seal": ""}
    assert desk.post(f"{WRITE}draft/", half).headers["Location"] == WRITE
    page = as_somebody(otto).get(WRITE)
    assert page.context["form"]["body_en"].value() == "# Rules of [[somebody]]"
    assert "Olga" in page.text
    desk.post(f"{WRITE}discard/", {"seal": page.context["draft"].seal})
    assert kept() is None
    assert newest() == 1


def test_what_a_version_needs_is_not_called_optional() -> None:
    page = as_somebody(olga).get(WRITE).text
    assert "In one language at least" in page and "optional" not in page


def test_an_empty_form_keeps_no_draft() -> None:
    as_somebody(olga).post(f"{WRITE}draft/", {})
    assert kept() is None


def test_a_draft_half_written_says_what_it_lacks_and_is_not_published() -> None:
    keep_crm("# Rules of [[somebody]]")
    approve_crm()
    draft = kept()
    assert draft
    for method in ("get", "post"):
        page = getattr(as_somebody(olga), method)(PUBLISH, {"seal": draft.seal})
        assert "[[somebody]]" in page.context["form"].errors["body_en"][0]
    assert newest() == 1


def test_nothing_is_written_over_unseen_and_what_was_written_is_not_lost() -> None:
    keep_crm("# Otto's rules\n\nBe kind.", by=otto)
    page = as_somebody(olga).post(f"{WRITE}draft/", {"body_en": "# Olga's rules", "seal": ""})
    assert page.status_code == 409
    assert page.context["form"]["body_en"].value() == "# Olga's rules"
    assert "Otto" in page.text
    assert "<del>" in page.text
    draft = kept()
    assert draft and draft.texts == {"en": "# Otto's rules\n\nBe kind."}
    again = {"body_en": "# Olga's rules", "seal": page.context["form"]["seal"].value()}
    assert as_somebody(olga).post(f"{WRITE}draft/", again).status_code == 302
    draft = kept()
    assert draft and draft.texts == {"en": "# Olga's rules"}


def test_a_draft_published_meanwhile_is_said_and_what_was_written_stays() -> None:
    seal = keep_crm().seal
    approve_crm()
    publish_as(olga, seal)
    page = as_somebody(otto).post(WRITE, {"body_en": "# Mine", "seal": seal})
    assert page.status_code == 409
    assert page.context["form"]["body_en"].value() == "# Mine"
    assert kept() is None
    as_somebody(otto).post(WRITE, {"body_en": "# Mine", "seal": ""})
    assert (draft := kept()) and draft.texts == {"en": "# Mine"}


def test_the_page_before_says_who_is_stopped_and_when_and_publishes_nothing() -> None:
    desk = as_somebody(olga)
    page = desk.post(WRITE, FIELDS, follow=True)
    assert page.redirect_chain == [(PUBLISH, 302)]
    for words in ("at once", "Everybody in every company is stopped", "All of it."):
        assert words in page.text
    assert "<ins>" in page.text
    assert newest() == 1
    soon = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    minor = {"body_en": "# Rules, minor", "effective_at": soon, "seal": page.context["draft"].seal}
    page = desk.post(WRITE, minor, follow=True)
    assert "Nobody is asked again" in page.text
    assert "It comes into force on" in page.text


def test_two_operators_publish_with_an_approval_in_between() -> None:
    page = as_somebody(olga).post(WRITE, FIELDS, follow=True)
    seal = page.context["draft"].seal
    assert "waits for the approval of another operator" in page.text
    assert "Otto" in page.text and otto.email in page.text
    assert "Another operator has to approve" in publish_as(olga, seal).text
    as_somebody(otto).post(f"{WRITE}approval/", {"seal": seal})
    assert "approved by Otto" in as_somebody(olga).get(PUBLISH).text
    assert publish_as(olga, seal).redirect_chain == [("/policy/versions/2/", 302)]
    assert kept() is None


@pytest.mark.django_db(transaction=True)
def test_the_page_says_who_was_appointed_and_is_not_waited_for(owner: psycopg.Connection) -> None:
    owner.execute("DELETE FROM gate.seated WHERE user_id = %s", [otto.user.pk])
    page = as_somebody(olga).post(WRITE, FIELDS, follow=True)
    for words in ("Otto (otto@covenant.example) is appointed operator", "You publish alone."):
        assert words in page.text
    assert "waits for the approval" not in page.text
    seal = page.context["draft"].seal
    assert publish_as(olga, seal).redirect_chain == [("/policy/versions/2/", 302)]


def test_an_approval_is_taken_back_by_its_giver() -> None:
    keep_crm()
    approve_crm()
    as_somebody(olga).post(f"{WRITE}withdrawal/")
    assert (draft := kept()) and draft.approvers
    as_somebody(otto).post(f"{WRITE}withdrawal/")
    assert (draft := kept()) and not draft.approvers


def test_what_was_changed_since_the_page_is_neither_approved_nor_published() -> None:
    seal = keep_crm().seal
    keep_crm("# Other rules", by=otto)
    page = as_somebody(otto).post(f"{WRITE}approval/", {"seal": seal}, follow=True)
    assert "changed meanwhile" in page.text
    approve_crm()
    assert "changed meanwhile" in publish_as(olga, seal).text
    assert newest() == 1


@pytest.mark.parametrize("somebody", [ann, gail, sue], ids=str)
@pytest.mark.parametrize("page", ["draft", "discard", "publication", "approval", "withdrawal"])
def test_nobody_else_comes_near_the_platforms_drafts(somebody: Someone, page: str) -> None:
    seal = keep_crm().seal
    approve_crm()
    sent = {**FIELDS, "seal": seal}
    assert as_somebody(somebody).post(f"{WRITE}{page}/", sent).status_code == 403
    assert (draft := kept()) and (draft.seal, len(draft.approvers)) == (seal, 1)
    assert newest() == 1


def test_a_companys_draft_is_kept_for_those_who_run_it() -> None:
    sent = {"body_en": "# Ours, anew", "countries": "RO", "material": "on"}
    as_somebody(adam).post("/company/policy/draft/", sent)
    page = as_somebody(ann).get("/company/policy/")
    assert page.context["form"]["body_en"].value() == "# Ours, anew"
    assert page.context["form"]["countries"].value() == "Romania"
    assert "Ours, anew" not in as_somebody(bea).get("/company/policy/").text
    ahead = as_somebody(ann).get("/company/policy/publication/")
    assert "All 8 people of the company are stopped" in ahead.text
    assert newest("company") == 1


def test_the_operators_pages_lead_to_one_another_and_to_no_order() -> None:
    keep_crm()
    page = as_somebody(olga).get("/operator/")
    assert "kept by Olga" in page.text
    for there in (WRITE, "/operator/jurisdictions/", "/operator/disclosures/", "/operator/visits/"):
        assert 'href="/operator/' in as_somebody(olga).get(there).text
        assert there.removesuffix("crm/") in page.text
    assert 'href="/orders/"' not in page.text.partition("<nav")[2].partition("</nav>")[0]
    for stranger, place in ((ann, "/company/"), (sue, "/password/")):
        assert 'href="/operator/' not in as_somebody(stranger).get(place).text


# Told ahead.


def soon() -> dict[str, object]:
    return {"effective_at": timezone.now() + timedelta(days=3)}


def test_people_are_told_ahead_with_the_difference_on_each_page() -> None:
    publish_crm("# Soon", **soon())
    publish_company(ann, "aurora", "# Ours, soon", **soon())
    for address in ("/orders/", "/orders/new/", "/company/"):
        page = as_somebody(gail).get(address)
        assert "you will be asked to accept" in page.text
        assert '"/policy/versions/2/diff/?since=1"' in page.text
        assert '"/c/aurora/policy/versions/2/diff/?since=1"' in page.text
    assert as_somebody(gail).get("/policy/versions/2/diff/?since=1").status_code == 200
    assert "/c/aurora" not in as_somebody(bea).get("/orders/").text


def test_a_correction_and_a_version_in_force_are_not_told_ahead() -> None:
    publish_crm("# Corrected", material=False, **soon())
    assert "you will be asked" not in as_somebody(gail).get("/orders/").text


def test_a_notice_takes_no_statement_and_reaches_whoever_was_verified_before() -> None:
    client = as_somebody(gail)
    client.get("/orders/")
    client.get("/orders/")

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/orders/").status_code == 200
        return len(asked)

    before = statements()
    publish_crm("# Soon", **soon())
    client.get("/orders/")
    assert "you will be asked to accept" in client.get("/orders/").text
    assert statements() == before


def test_the_page_of_acceptance_shows_what_changed_passage_by_passage() -> None:
    publish_crm("# Rules\n\nWe are kind.")
    page = as_somebody(ann).get("/accept/")
    [document] = page.context["documents"]
    assert {change.kind for change in document["changes"]} >= {"removed"}
    assert "We are kind." in page.text
    assert '<div class="block removed">' in page.text
