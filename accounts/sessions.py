"""Django's sessions as passes: the cookie is the secret, and only its hash is stored."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError

from accounts import gate


class SessionStore(SessionBase):
    def __init__(self, session_key: str | None = None, data: str | None = None) -> None:
        """With `data` (JSON, as the gate returned it) nothing is asked again."""
        super().__init__(session_key)
        if data is not None:
            self._session_cache = json.loads(data or "{}")

    def _get_new_session_key(self) -> str:
        return gate.new_secret()

    def load(self) -> dict[str, Any]:
        with gate.carrying(self.session_key) as entry:
            if entry.data is None:
                self._session_key = None
                return {}
            return json.loads(entry.data or "{}")

    def exists(self, session_key: str) -> bool:
        with gate.carrying(session_key) as entry:
            return entry.found

    def create(self) -> None:
        self._session_key = gate.new_secret()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Raises UpdateError when the session was ended meanwhile: it is not brought back."""
        if self.session_key is None:
            return self.create()
        data = json.dumps(self._get_session(no_load=must_create))
        until = self.get_expiry_date()
        if not must_create:
            if not gate.keep_pass(self.session_key, data=data, until=until):
                raise UpdateError
            return None
        user_id = self.get(SESSION_KEY)
        gate.open_pass(
            self.session_key,
            kind="session",
            user_id=int(user_id) if user_id else None,
            data=data,
            until=until,
        )
        return None

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            gate.end_pass(key)

    @classmethod
    def clear_expired(cls) -> None:
        gate.sweep_passes()

    def get_session_cookie_age(self) -> int:
        return settings.SESSION_COOKIE_AGE
