"""What becomes of each table's rows: the one registry of what is exported, erased or kept, and why.

Each app names its tables in its own `records.py`; a table without an entry fails the suite. The
export reads from here, docs/data-map.md is written from here, and the tests hold against it what
deleting an account or a company really does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from django.apps import apps
from django.db.models import Model
from django.utils.module_loading import autodiscover_modules

from accounts import chains


class Fate(StrEnum):
    """What becomes of a row when the account or the company that it belongs to is deleted."""

    ERASED = "erased"
    EMPTIED = "kept without what names anybody"
    KEPT = "kept"
    UNTOUCHED = "not concerned"


@dataclass(frozen=True)
class Record:
    """How one table is exported, erased or kept.

    `of_user` and `of_company` are look-ups that tell whose rows they are, for who takes them along;
    without one nobody does. `opens` turns a sealed column into what is exported of it, given the
    keys, the envelope and the row's id; other columns of bytes are hashes, and are left out.
    """

    table: str
    holds: str
    why: str
    account: Fate = Fate.UNTOUCHED
    company: Fate = Fate.UNTOUCHED
    of_user: str = ""
    of_company: str = ""
    leaves_out: tuple[str, ...] = ()
    adds: Mapping[str, str] = field(default_factory=dict)  # column of the export -> look-up
    opens: Mapping[str, Callable[[Any, bytes, Any], Any]] = field(default_factory=dict)

    @cached_property
    def model(self) -> type[Model]:
        """Raises StopIteration for tables that no model stands for: Django's links and the like."""
        return next(m for m in apps.get_models() if m._meta.db_table == self.table)

    @property
    def file_name(self) -> str:
        return self.table.partition("_")[2]

    @property
    def columns(self) -> list[str]:
        """What of a row is exported by itself."""
        names = (column.attname for column in self.model._meta.concrete_fields)
        return [name for name in names if name not in self.leaves_out]


_records: Final[dict[str, Record]] = {}


def register(*records: Record) -> None:
    _records.update({record.table: record for record in records})


def every_record() -> Iterator[Record]:
    """In the order of the apps, those that the others stand on first."""
    autodiscover_modules("records")
    yield from _records.values()


def data_map() -> str:
    """docs/data-map.md: the registry as a page."""
    lines = [
        "# What is kept of whom, and what becomes of it",
        "",
        "Written by `manage.py data_map` from each app's `records.py`; the suite compares the two,",
        "and tries whether deleting an account and a company does what stands here.",
        "",
        "| Table | What it holds | Taken along by | Account deleted | Company deleted | Why |",
        "|---|---|---|---|---|---|",
    ]
    lines += (
        f"| `{record.table}` | {record.holds} | {_takers(record)} | {record.account} "
        f"| {record.company} | {record.why} |"
        for record in every_record()
    )
    return "\n".join(lines) + "\n"


def _takers(record: Record) -> str:
    takers = [("its person", record.of_user), ("the company's owner", record.of_company)]
    return ", ".join(who for who, lookup in takers if lookup) or "nobody"


_STANDS_WITH_NOBODY: Final = "about nobody"

register(
    Record(
        "accounts_user",
        "who signs in: e-mail, name, language, the password's hash",
        "what evidence refers to stays, as “Person N”; the rest names somebody",
        account=Fate.EMPTIED,
        of_user="pk",
        leaves_out=("password",),
    ),
    Record(
        "accounts_company",
        "companies: name, address on the site, country, currency, time zone",
        "what evidence refers to stays, as “Company N”",
        company=Fate.EMPTIED,
        of_company="pk",
    ),
    Record(
        "accounts_team",
        "the names of a company's teams",
        "the company's own",
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "accounts_partner",
        "the names of those who send leads",
        "the company's own",
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "accounts_membership",
        "who works where, as what, from when to when; while there, the citizenship one declared",
        "orders and the audit refer to it; without the account it names “Person N”",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_user="user_id",
        of_company="company_id",
        adds={"name": "user__name", "email": "user__email"},
    ),
    Record(
        "accounts_invitation",
        "e-mail addresses that were invited, as what and by whom",
        "an address names somebody: those to the account's own address go with it",
        account=Fate.ERASED,
        company=Fate.ERASED,
        of_company="company_id",
        leaves_out=("hash",),
    ),
    Record(
        "accounts_pass",
        "hashes of what opens sessions and jobs, and a session's data",
        "a pass is a key and no knowledge: nobody takes it along",
        account=Fate.ERASED,
        company=Fate.ERASED,
    ),
    Record(
        "accounts_grant",
        "what the company's people let support see, why, for how long, and who asked",
        "stands behind the audit's entries; its link's secret is a hash",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_user="made_by_id",
        of_company="company_id",
        leaves_out=("hash",),
        adds={"made_by": "made_by__name", "staff": "staff__name"},
    ),
    Record(
        "mfa_authenticator",
        "second factors: what an app's codes and recovery codes are made from, sealed; passkeys' "
        "public keys and names",
        "a key and no knowledge: nobody takes it along",
        account=Fate.ERASED,
    ),
    Record(
        "accounts_apikey",
        "hashes of what partners' machines send leads with, whose they are, and when last used",
        "the company's own, without the hash, which is no knowledge; goes with its member's place",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
        leaves_out=("hash", "minute_began", "uses"),
        adds={"for_whom": "membership__user__name", "made_by": "made_by__name"},
    ),
    Record(
        "accounts_attempt",
        "how often something was tried lately, by keyed hashes",
        "names nobody and is gone within the hour",
    ),
    Record(
        "accounts_companykey",
        "the company's keys, wrapped by the operator's",
        "the first thing that is destroyed: what they opened stays shut, in old copies too",
        company=Fate.ERASED,
    ),
    Record(
        "accounts_auditentry",
        "who did what in a company, when and to whom, by the seals of their names",
        "the company's book, without which its deeds have no doers (D1); it is taken along as the "
        "chain of its entries",
        account=Fate.KEPT,
        company=Fate.ERASED,
    ),
    Record(
        "accounts_auditname",
        "the names that entries of the audit carry the seals of, as they were at the time",
        "a name lives no longer than its account; taken along with the entries",
        account=Fate.ERASED,
        company=Fate.ERASED,
    ),
    Record(
        "accounts_auditchain",
        "the audit's entries in the order of their numbers, each with the hash of the one before",
        "what shows that no entry was changed; `verify_audit.py` checks it",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
        adds=chains.TAKEN_ALONG,
    ),
    Record(
        "accounts_audithead",
        "where the chain of the audit ended, day by day, signed by the operator and mailed",
        "what shows that the chain was not written anew",
        company=Fate.ERASED,
        of_company="company_id",
        leaves_out=("signature",),
    ),
    Record(
        "account_emailaddress",
        "the e-mail address once more, as the sign-in looks it up",
        "names somebody; taken along with the account itself",
        account=Fate.ERASED,
    ),
    Record(
        "account_emailconfirmation",
        "addresses that wait for a confirmation: none, as only invitations bring people in",
        "names somebody",
        account=Fate.ERASED,
    ),
    *(
        Record(table, holds, _STANDS_WITH_NOBODY)
        for table, holds in {
            "django_migrations": "which migrations ran",
            "django_content_type": "the names of models",
            "auth_permission": "Django's own permissions, unused",
            "auth_group": "Django's own groups, unused",
            "auth_group_permissions": "Django's own groups, unused",
        }.items()
    ),
    *(
        Record(table, holds, "ids and a sealed pass, which ends with its job", company=Fate.KEPT)
        for table, holds in {
            "procrastinate_jobs": "which job waits, with the id of what it is about",
            "procrastinate_events": "when jobs changed their state",
            "procrastinate_periodic_defers": "when the clock last queued a job",
            "procrastinate_workers": "which workers live",
        }.items()
    ),
)
