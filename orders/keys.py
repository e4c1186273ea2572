"""A company's keys, in the clear, for as long as a request or a job needs them.

They are kept wrapped in `accounts.models.CompanyKey`, whose row rule asks for the right to open
persons: a partner's pass reads no key, and so nothing of a person.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import cached_property, lru_cache

from django.core.exceptions import PermissionDenied

from accounts import gate
from accounts.gate import Entry
from accounts.models import CompanyKey as StoredKey
from accounts.statements import Statement, answer
from orders import sealing
from orders.persons import HIDDEN, Person

PERSON = "order.person"
COMMENT = "order.comment"


class Keys:
    """All versions of one company's key: the newest seals, each opens what it has sealed.

    What they open goes through here, so here is hidden what a reader may not see: for support all
    of a person but `fields` (of `accounts.access.FIELDS`); None for the company's own people.
    """

    def __init__(
        self,
        company_id: int,
        versions: dict[int, sealing.CompanyKey],
        fields: Collection[str] | None = None,
    ) -> None:
        self.company_id = company_id
        self._fields = fields
        self._versions = versions
        self._newest = max(versions)

    @cached_property
    def index_key(self) -> bytes:
        """The key of the search hashes: the first version's, or a rotation would lose them."""
        return self._versions[min(self._versions)].index_key

    def seal(self, plaintext: bytes, *, row_id: uuid.UUID, purpose: str) -> bytes:
        return self._versions[self._newest].seal(
            plaintext,
            company_id=self.company_id,
            row_id=row_id,
            purpose=purpose,
            key_version=self._newest,
        )

    def open(self, envelope: bytes, *, row_id: uuid.UUID, purpose: str) -> bytes:
        """Return what was sealed; SealBroken when it was changed, moved, or its key is gone."""
        key = self._versions.get(sealing.version_of(envelope))
        if key is None:
            raise sealing.SealBroken("Sealed with a version of the key that is not at hand.")
        return key.open(envelope, company_id=self.company_id, row_id=row_id, purpose=purpose)

    def seal_person(self, person: Person, order_id: uuid.UUID) -> bytes:
        return self.seal(person.to_bytes(), row_id=order_id, purpose=PERSON)

    def open_person(self, envelope: bytes, order_id: uuid.UUID) -> Person:
        """The person sealed there; nobody, where the person was erased."""
        if not envelope:
            return Person()
        person = Person.from_bytes(self.open(envelope, row_id=order_id, purpose=PERSON))
        return person if self._fields is None else person.glimpse(self._fields)

    def seal_comment(self, text: str, comment_id: uuid.UUID) -> bytes:
        return self.seal(text.encode(), row_id=comment_id, purpose=COMMENT)

    def open_comment(self, envelope: bytes, comment_id: uuid.UUID) -> str:
        if self._fields is not None and "notes" not in self._fields:
            return HIDDEN
        return self.open(envelope, row_id=comment_id, purpose=COMMENT).decode()


def held(by: Entry) -> Keys | None:
    """The keys that `by` may use; None for whoever may open no person, and in a company that has no
    order yet."""
    return answer(holding(by))


def holding(by: Entry) -> Statement[Keys | None]:
    """What `held` asks."""

    def read(rows: list[tuple[int, bytes]]) -> Keys | None:
        versions = {version: _unwrapped(by.company_id, wrapped) for version, wrapped in rows}
        fields = by.under.fields if by.under else None
        return Keys(by.company_id, versions, fields) if versions else None

    return Statement(
        "SELECT version, wrapped FROM accounts_companykey WHERE company_id = %s",
        [by.company_id],
        read,
    )


def provided(by: Entry) -> Keys:
    """The same for writing, made on first need. PermissionDenied for who may open no person."""
    keys = held(by)
    if keys is None:
        _make_first(by)
        keys = held(by)
    if keys is None:
        raise PermissionDenied("This role opens no person.")
    return keys


def of_sender(by: Entry) -> Keys:
    """The keys that seal what a sender's key brings, which the gate hands to nobody's SQL."""
    stored = gate.sealing_keys() or gate.sealing_keys(_first_wrapped(by.company_id))
    return Keys(
        by.company_id,
        {version: _unwrapped(by.company_id, bytes(wrapped)) for version, wrapped in stored},
    )


def _make_first(by: Entry) -> None:
    """Two at once make one: the second waits for the first, conflicts, and reads what is there."""
    if not by.may("persons.open"):
        raise PermissionDenied("This role opens no person.")
    first = StoredKey(company_id=by.company_id, version=1, wrapped=_first_wrapped(by.company_id))
    StoredKey.objects.bulk_create([first], ignore_conflicts=True)


def _first_wrapped(company_id: int) -> bytes:
    return sealing.CompanyKey.generate().wrap(sealing.MasterKey.from_settings(), company_id)


@lru_cache(maxsize=4096)
def _unwrapped(company_id: int, wrapped: bytes) -> sealing.CompanyKey:
    """Kept per process, found by the wrapped bytes: a key that was deleted is never asked for."""
    return sealing.CompanyKey.unwrap(wrapped, sealing.MasterKey.from_settings(), company_id)
