"""Attempts to sign in, and the like, counted in the database for every process of every server.

django-allauth counts them in Django's cache, and uses it for nothing else; so this is that cache.
What it counts by is an address or an e-mail: only a keyed hash of that is stored. Values are JSON.
Django's own database cache stores pickles: whoever could write one there could run code here.

A count stands or falls with its request's transaction, and is made with the issuing key, which SQL
smuggled into a request has not. Two that count by the same wait for each other, so that none is
lost.
"""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.utils.crypto import salted_hmac

from accounts import gate


class AttemptCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        """`location` is what Django gives to every cache, and means nothing here."""
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        found = gate.attempts(self._hash(key, version))
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
        return gate.forget_attempts(self._hash(key, version))

    def _keep(
        self, key: str, value: Any, timeout: Any, version: int | None, *, instead: bool
    ) -> bool:
        seconds: Any = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        named = self._hash(key, version)
        return gate.keep_attempts(named, value, seconds=seconds, instead=instead)

    def _hash(self, key: str, version: int | None) -> bytes:
        named = self.make_and_validate_key(key, version=version)
        return salted_hmac("accounts.attempts", named, algorithm="sha256").digest()
