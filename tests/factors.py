"""An authenticator app, as a test has one: codes out of the secret that a page shows once."""

from __future__ import annotations

import base64
import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.people import PASSWORD, Someone

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

SET_UP = "/account/factors/app/"
SECRET = re.compile(r'id="totp-secret">([A-Z2-7]+)<')
STEP = 30  # seconds


@dataclass
class App:
    """Each code is another: those of the step before, now and after are good, each for once."""

    secret: str
    last: int = 0

    @classmethod
    def scanning(cls, page: str) -> App:
        found = SECRET.search(page)
        assert found
        return cls(found[1])

    def code(self) -> str:
        now = int(time.time()) // STEP
        self.last = max(self.last + 1, now - 1)
        assert self.last <= now + 1, "more codes than a person would be asked for"
        return totp(self.secret, self.last)


def totp(secret: str, step: int) -> str:
    """RFC 6238, of six digits."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def password_sign_in(client: Client, someone: Someone) -> HttpResponse:
    return client.post("/login/", {"login": someone.email, "password": PASSWORD})


def set_up(client: Client) -> App:
    """The app of whoever is signed in and has just proven himself."""
    app = App.scanning(client.get(SET_UP).text)
    assert client.post(SET_UP, {"code": app.code()}).status_code == 302
    return app
