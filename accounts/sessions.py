"""Django's sessions as passes: the cookie is the secret, and only its hash is stored."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError

from accounts import gate

SIGNED_OUT_AGE: Final = int(timedelta(hours=12).total_seconds())  # a sign-in form left open


class SessionStore(SessionBase):
    """A pass names its person for good. So a session whose person changes ends its pass, and gets
    the next one when it is saved: only then is it known whose it will be."""

    def __init__(
        self, session_key: str | None = None, data: str | None = None, company_id: int | None = None
    ) -> None:
        """With `data` (JSON, as the gate returned it) nothing is asked again; `company_id` is the
        company that the pass works in."""
        super().__init__(session_key)
        self.company_id = company_id
        self.proofs: dict[str, int] = {}
        self.rotates = False
        if data is not None:
            self._session_cache = json.loads(data or "{}")

    def load(self) -> dict[str, Any]:
        with gate.carrying(self.session_key) as entry:
            self.company_id = entry.own_company_id
            if entry.data is None:
                self._session_key = None
            data: dict[str, Any] = json.loads(entry.data or "{}")
            return data

    def exists(self, session_key: str) -> bool:
        with gate.carrying(session_key) as entry:
            return entry.found

    def create(self) -> None:
        self.rotates = False
        self._session_key = gate.new_secret()
        self.save(must_create=True)
        self.modified = True

    def cycle_key(self) -> None:
        self._known()
        self.delete()
        self._session_key = None
        self.modified = True

    def _renew(self) -> None:
        self.rotates = False
        another = gate.new_secret()
        gate.renew_pass(another)
        self.go_on_as(another)

    def go_on_as(self, secret: str) -> None:
        """The gate has given this session's pass another secret."""
        self._session_key = secret
        self.modified = True

    def flush(self) -> None:
        super().flush()
        self.company_id = None
        self.proofs = {}

    def save(self, must_create: bool = False) -> None:
        """Raises UpdateError when the session was ended meanwhile: it is not brought back."""
        if self.session_key is None:
            self.create()
        elif must_create:
            self._open()
        elif not gate.keep_pass(self.session_key, data=self._json(), until=self.get_expiry_date()):
            raise UpdateError
        elif self.rotates:
            self._renew()
        self._note_proofs()

    def prove(self, user_id: int, proof: str) -> None:
        """That person has just proven who he is by `proof`: the pass that is kept next, if it is
        his, is noted to be fresh. With a second factor it gets another secret, too: one that was
        copied before does not rise with it."""
        self.proofs[proof] = user_id
        self.rotates = self.rotates or proof != "password"
        self.modified = True

    def _note_proofs(self) -> None:
        while self.proofs:
            proof, user_id = self.proofs.popitem()
            gate.prove_pass(str(self.session_key), user_id=user_id, proof=proof)

    def _known(self, no_load: bool = False) -> dict[str, Any]:
        """Django's own name for the data is none that django-stubs know."""
        return self._get_session(no_load)  # type: ignore[attr-defined]

    def _json(self) -> str:
        return json.dumps(self._known())

    def _open(self) -> None:
        data = self._known(no_load=True)
        user_id = data.get(SESSION_KEY)
        gate.open_pass(
            str(self.session_key),
            kind="session",
            user_id=int(user_id) if user_id else None,
            company_id=self.company_id if user_id else None,
            data=json.dumps(data),
            until=self.get_expiry_date(),
        )

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            gate.end_pass(key)

    @classmethod
    def clear_expired(cls) -> None:
        gate.sweep_passes()

    def get_session_cookie_age(self) -> int:
        return settings.SESSION_COOKIE_AGE if SESSION_KEY in self else SIGNED_OUT_AGE
