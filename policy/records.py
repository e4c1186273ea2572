"""What becomes of policies and acceptances (`accounts.records`)."""

from typing import Final

from accounts.records import Fate, Record, register

EVIDENCE: Final = "evidence of what was promised and accepted, which outlives whom it is about"

register(
    Record(
        "policy_policy",
        "which policies there are, and whose",
        EVIDENCE,
        company=Fate.KEPT,
        of_company="company_id",
    ),
    Record(
        "policy_policyversion",
        "when which version was published, by whom, with which hashes",
        EVIDENCE,
        account=Fate.KEPT,
        company=Fate.KEPT,
        of_company="company_id",
    ),
    Record(
        "policy_announcement",
        "how many people were told ahead of a version by mail, and when all were",
        "evidence of what was told, with nobody's name",
        company=Fate.KEPT,
        of_company="company_id",
        leaves_out=("last_user",),
    ),
    Record(
        "policy_policytext",
        "the published texts, which were public",
        EVIDENCE,
        company=Fate.KEPT,
        of_company="version__company_id",
    ),
    Record(
        "policy_draft",
        "what is being written of a policy's next version, and who kept it last",
        "unpublished words about a policy; of who left, the number",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "policy_approval",
        "which operator approves the draft of a platform's policy",
        "gone with the draft; who approved what was published stands with the version",
        account=Fate.KEPT,
    ),
    Record(
        "policy_acceptance",
        "who accepted which text when, chained; no address, no browser",
        EVIDENCE + ", by the number of a person",
        account=Fate.KEPT,
        company=Fate.KEPT,
        of_user="user_id",
        of_company="company_id",
    ),
    Record(
        "policy_jurisdiction",
        "the operator's list of prohibited jurisdictions",
        "the operator's decisions, public",
        account=Fate.KEPT,
    ),
    Record(
        "policy_refusal",
        "counts of what clause P2 refused, by company, day and rule",
        "counts, which the operator adds up; about nobody",
        company=Fate.KEPT,
        of_company="company_id",
    ),
    Record(
        "policy_disclosure",
        "what authorities asked for: who, on what basis, which orders; the document sealed",
        "evidence of what the operator was asked, and did",
        account=Fate.KEPT,
        company=Fate.KEPT,
        of_company="company_id",
        leaves_out=("document", "key"),
    ),
    Record(
        "policy_disclosureevent",
        "what became of it: approvals, refusal, package, and when the company was told",
        "evidence of what the operator was asked, and did",
        account=Fate.KEPT,
        company=Fate.KEPT,
        of_company="disclosure__company_id",
    ),
    Record(
        "policy_disclosurepackage",
        "the orders an authority gets, encrypted under a passphrase that is kept nowhere",
        "evidence of what was handed over",
        company=Fate.KEPT,
    ),
    Record("policy_proofrun", "when the proofs ran", "about nobody"),
    Record("policy_proofresult", "what each proof saw, in figures", "about nobody"),
    Record("policy_visits", "how often an external page was asked for on a day", "about nobody"),
    Record(
        "policy_counter",
        "the operator's decisions about the external counter: its number, or none",
        "evidence of what the operator decided",
        account=Fate.KEPT,
    ),
)
