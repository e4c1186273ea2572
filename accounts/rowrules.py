"""How migrations write the SQL that guards: literal, with the web role's name filled in.

Tables that stand outside the company's row rules are named here, each with its reason; the catalog
test (`tests/accounts/test_catalog.py`) fails on any other.
"""

from typing import Final

from django.conf import settings
from django.db.migrations import RunSQL

CLAIM: Final = "NULLIF(current_setting('gate.company', true), '')::bigint"


def guard(sql: str, reverse: str | None = None) -> RunSQL:
    """A migration step of `sql`, in which ``:web`` stands for the web role's quoted name, and
    ``:claim`` for the company that the transaction claims. Without a `reverse` there is no way
    back: for rules that mended a leak."""
    role = '"{}"'.format(settings.DATABASES["default"]["USER"].replace('"', '""'))

    def written(text: str) -> str:
        return text.replace(":web", role).replace(":claim", CLAIM)

    return RunSQL(written(sql), reverse and written(reverse))


def rewritten(function: str, *pieces: tuple[str, str]) -> str:
    """SQL that makes `function` anew from its present text, with these pieces of it replaced; it
    fails where one is not there."""
    parts = "".join(
        f"ASSERT strpos(code, $was${was}$was$) > 0;\n"
        f"code := replace(code, $was${was}$was$, $now${now}$now$);\n"
        for was, now in pieces
    )
    return f"""
DO $do$ DECLARE code text := pg_get_functiondef('{function}'::regprocedure); BEGIN
{parts}EXECUTE code;
END $do$;
"""


# Tables without the company's row rule, and why each may be.
READ_BEFORE_A_COMPANY_IS_KNOWN: Final = {
    "accounts_user": "sign-in looks a person up by e-mail; readable to the application's key only",
    "account_emailaddress": "allauth's addresses for sign-in and reset; application's key only",
    "account_emailconfirmation": "allauth's pending confirmations; application's key only",
    "mfa_authenticator": "second factors, asked for at sign-in; the application opens one person's "
    "to a transaction with its issuing key, and else nobody's are open",
    "accounts_company": "a company's public policy names it; application's key only",
    "accounts_membership": "the gate reads it to verify a claim; members see their own, and the "
    "company's where their role may read people",
    "accounts_auditname": "goes with an account, in every company at once; read by colleagues, and "
    "the gate alone adds",
    "accounts_auditchain": "added to at the commit, when the pass that wrote may be over; read as "
    "the audit is, and the gate alone adds",
    "accounts_audithead": "of every company's chain, by the clock; read as the audit is, and the "
    "gate alone adds",
    "accounts_invitation": "redeemed before its reader has a company; read by the secret's hash",
    "accounts_grant": "asked with before its reader has a company; looked up by the secret's hash; "
    "its maker reads it, and who reads the company's audit",
    "accounts_attempt": "attempts to sign in are counted before anybody is known; keyed hashes of "
    "addresses and e-mails; the web role has no right to it at all",
    "accounts_apikey": "looked up by its secret's hash; read and revoked by who manages keys",
    "accounts_pass": "the gate itself; the web role has no right to it at all",
    "policy_policy": "policies are public, a company's own too; application's key only",
    "policy_policyversion": "as the policies; added to by who may publish, never changed",
    "policy_policytext": "as the policies; added to by who may publish, never changed",
    "policy_draft": "the platform's are the operators' and of no company; a company's are its own",
    "policy_approval": "of the platform's drafts: the operators', each his own",
    "policy_announcement": "how far letters are: the platform's are the operators' to read, a "
    "company's its own; the gate writes it",
    "policy_jurisdiction": "everybody is judged by it; the operator alone adds to it",
    "policy_counter": "which counter is on, the external pages ask; the operator alone adds to it",
    "policy_visits": "counts by page and day; the gate adds, the operator reads",
    "policy_refusal": "counts, which the gate adds up for the operator; a company reads its own",
    "policy_disclosure": "the operators' register; a company reads what is about it, and is secret "
    "no more; added to by operators, never changed",
    "policy_disclosureevent": "as the register; who did what with a request",
    "policy_disclosurepackage": "sealed for the authority; nobody reads it but through the gate",
    "orders_export": "of a person, of no company perhaps; its maker alone reads it",
    "orders_exportchunk": "as the export",
    "orders_inquiry": "swept after a day, in no company's name; read by who answers buyers",
    "orders_retention": "periods in days: the clock asks in whose name to erase, in every company",
    "orders_webhook": "the clock asks who has something to be told, in every company",
    "orders_delivery": "as the webhooks; added by the gate, with the change of the lead",
    "orders_closure": "how far the closing of a company is; read by who closed it, then a stranger",
    "policy_acceptance": "the CRM's policy is accepted before a company is chosen, and for all of "
    "them; a person sees his own, and who publishes a company's policy sees who accepted it",
}
NO_PERSON_AND_NO_COMPANY: Final = {
    "policy_proofrun": "when the proofs ran, of which code; everybody may read it, the owner adds",
    "policy_proofresult": "what each proof saw: figures, and no value of anybody's; as the runs",
    "django_migrations": "which migrations ran",
    "django_content_type": "names of models; unused by the web role",
    "auth_permission": "Django's own permissions; unused by the web role",
    "auth_group": "Django's own groups; unused by the web role",
    "auth_group_permissions": "Django's own groups; unused by the web role",
    "procrastinate_jobs": "names and ids of jobs, with a sealed pass each; worker's key only",
    "procrastinate_events": "when jobs changed their state; worker's key only",
    "procrastinate_periodic_defers": "when periodic jobs were last queued; worker's key only",
    "procrastinate_workers": "which workers are alive; worker's key only",
}
