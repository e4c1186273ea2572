"""Attempts to sign in, and the like, counted in the database for every process of every server.

django-allauth counts them in Django's cache, and uses it for nothing else; so this is that cache.
What it counts by is an address or an e-mail: only a keyed hash of that is stored. Values are JSON.
Django's own database cache stores pickles: whoever could write one there could run code here.

A count stands or falls with its request's transaction, and is made with the issuing key, which SQL
smuggled into a request has not. Two that count by the same wait for each other, so that none is
lost.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.utils.crypto import salted_hmac
from psycopg.types.json import Jsonb

from accounts.gate import ask, key_for


class AttemptCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        """`location` is what Django gives to every cache, and means nothing here."""
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        asked = (key_for("issue"), self._hash(key, version))
        found = json.loads(ask("SELECT gate.attempts(%s, %s)", asked)[0] or "null")
        return default if found is None else found

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._keep(key, value, timeout, version, instead=True)

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """A word, as django-allauth marks a used code with, is kept as a mark: nobody asks what it
        says, and the database keeps no words here."""
        kept = True if isinstance(value, str) else value
        return self._keep(key, kept, timeout, version, instead=False)

    def delete(self, key: str, version: int | None = None) -> bool:
        asked = (key_for("issue"), self._hash(key, version))
        return ask("SELECT gate.forget_attempts(%s, %s)", asked)[0]

    def _keep(
        self, key: str, value: Any, timeout: Any, version: int | None, *, instead: bool
    ) -> bool:
        seconds: Any = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        told = (key_for("issue"), self._hash(key, version), Jsonb(value), seconds, instead)
        return ask("SELECT gate.keep_attempts(%s, %s, %s, %s, %s)", told)[0]

    def _hash(self, key: str, version: int | None) -> bytes:
        named = self.make_and_validate_key(key, version=version)
        return salted_hmac("accounts.attempts", named, algorithm="sha256").digest()


def sweep() -> int:
    """Delete the counts that are over; how many there were."""
    return ask("SELECT gate.sweep_attempts()", ())[0]
