"""Attempts to sign in, and the like, counted in the database for every process of every server.

django-allauth counts them in Django's cache, and uses it for nothing else; so this is that cache.
What it counts by is an address or an e-mail: only a keyed hash of that is stored. Values are JSON.
Django's own database cache stores pickles: whoever could write one there could run code here.

A count stands or falls with its request's transaction, in which it is made under the application's
key. Two that count by the same wait for each other, so that none is lost.
"""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from accounts.models import Attempt

KEEP: Final = """
INSERT INTO accounts_attempt AS kept (hash, value, expires_at)
VALUES (%s, %s, statement_timestamp() + %s * interval '1 second')
ON CONFLICT (hash) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
WHERE %s OR kept.expires_at <= statement_timestamp()
"""


class AttemptCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        """`location` is what Django gives to every cache, and means nothing here."""
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        found = self._kept(key, version).filter(expires_at__gt=Now()).first()
        return found.value if found else default

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._keep(key, value, timeout, version, instead=True)

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return self._keep(key, value, timeout, version, instead=False)

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(self._kept(key, version).delete()[0])

    def _kept(self, key: str, version: int | None) -> Any:
        return Attempt.objects.filter(hash=self._hash(key, version))

    def _keep(
        self, key: str, value: Any, timeout: Any, version: int | None, *, instead: bool
    ) -> bool:
        """Keep the value for `timeout` seconds, `instead` of one that is there or not at all."""
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        with connection.cursor() as cursor:
            cursor.execute(KEEP, [self._hash(key, version), json.dumps(value), seconds, instead])
            return bool(cursor.rowcount)

    def _hash(self, key: str, version: int | None) -> bytes:
        named = self.make_and_validate_key(key, version=version)
        return salted_hmac("accounts.attempts", named, algorithm="sha256").digest()


def sweep() -> int:
    """Delete the counts that are over; how many there were."""
    return int(Attempt.objects.filter(expires_at__lte=Now()).delete()[0])
