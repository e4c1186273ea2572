"""The clauses of the bundled policies: what keeps each, and what of it nothing keeps yet.

Their ids are for ever: texts, proofs, the page and the tests name them. A clause whose `rest` is
not empty is a promise only in that part, whatever its proofs say: whoever builds the mechanism
writes its proof (in an app's `proofs`), and strikes the `rest`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Clause:
    """`kept_by` says what keeps it; `rest`, what of it is a promise only."""

    id: str
    kept_by: Any
    rest: Any = ""


CLAUSES: Final = {
    clause.id: clause
    for clause in (
        Clause(
            "S1",
            _(
                "The public pages name no address but their own, carry a content security policy "
                "that lets the browser ask no other, and set no cookie."
            ),
        ),
        Clause(
            "S2",
            _(
                "Visits are counted by page and day, with nothing of the visitor. The counter of "
                "another is off until the operator sets its number. Then it is an image on the two "
                "external pages alone: no script of its maker's runs, so none records a session."
            ),
        ),
        Clause(
            "C1",
            _(
                "The row rule of the orders' table asks whether the company has a policy in force, "
                "so no form, file or statement brings in an order before."
            ),
        ),
        Clause(
            "C2",
            _(
                "The database asks, at each statement on a company's rows, whether whoever holds "
                "the pass has accepted every policy in force. It writes the doer's name into each "
                "entry of the record by itself."
            ),
        ),
        Clause(
            "K1",
            _(
                "One cookie is made, by the sign-in form. Forms' tokens, messages and the language "
                "are kept with the session on the server."
            ),
        ),
        Clause(
            "K2",
            _(
                "The cookie is a random secret of which the database keeps the SHA-256 alone. "
                "Requests are not logged, and failures without the cookie."
            ),
        ),
        Clause(
            "T1",
            _(
                "Neither the operator nor anybody of the staff holds a pass that opens orders. "
                "Only the register of authorities' requests does, once two different operators "
                "have approved one: the orders it names, into one sealed file. The company is "
                "told, and everybody reads the count."
            ),
        ),
        Clause(
            "T2",
            _(
                "What serves may call the database and the mail server, and nobody else; what "
                "works may also tell the servers that companies set as webhooks, of phases and of "
                "no buyer. One place in the code sees each connection before it comes about."
            ),
        ),
        Clause(
            "T3",
            _(
                "The log is made of routes, kinds of failure and statuses: nothing in it can hold "
                "what somebody typed. The figures are counted by the names of views and tasks. The "
                "operator's sign-in reads no table of orders, and his role of the database neither."
            ),
        ),
        Clause(
            "T4",
            _(
                "The database shows a company's rows to a pass of a member, and to nobody else but "
                "for the register of clause T1: rank, the application's own password and a "
                "superuser's sign-in count for nothing. By a link that a member makes and confirms "
                "one specialist sees what it lists, for as long as it says and its maker stays who "
                "he was; no row opens to him before the company's record has an entry of it."
            ),
        ),
        Clause(
            "T5",
            _(
                "The shipped proxy takes TLS 1.2 and 1.3 alone and answers plain HTTP with a "
                "redirect. Browsers are told to use nothing else for a year, the cookie travels "
                "encrypted only, and without these settings a server does not start."
            ),
        ),
        Clause(
            "P1",
            _(
                "A company's policy declares its countries, sealed with the version. They are "
                "compared with those of members and orders whenever the company looks, and the "
                "database of a strict company refuses the others. What laws grant buyers, the "
                "company does itself: it finds all that it holds of one, hands it over, corrects "
                "it and erases it."
            ),
        ),
        Clause(
            "P2",
            _(
                "Citizenship, country and telephone number are judged before anything is stored; "
                "what is refused is not stored at all."
            ),
        ),
        Clause(
            "D1",
            _(
                "Each deed is entered in the same transaction that does it, with its doer and the "
                "time as the database knows them; the record is only ever added to. Each entry "
                "carries the hash of the one before, and where the chain ends is signed every "
                "night, with a key that is not in the database, and mailed to the owners."
            ),
        ),
        Clause(
            "D2",
            _(
                "What is known of a buyer is sealed with AES-256-GCM under a key of the company's "
                "own, itself wrapped by a key that is not in the database. Passwords and passes "
                "are stored as hashes. A company that is deleted loses its key at once; once the "
                "operator's is another, old copies stay shut too."
            ),
        ),
        Clause(
            "R1",
            _(
                "Declining, taking one's data along, leaving or deleting the company and deleting "
                "the account ask for no acceptance."
            ),
        ),
        Clause(
            "R2",
            _(
                "The operator publishes his own texts through the site, where there are two each "
                "with the other's approval, or through a command; from their moment on the "
                "database asks for them in place of the bundled ones."
            ),
        ),
    )
}
