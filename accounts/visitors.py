"""Somebody who visits a site over HTTP, as a browser would, without one: for proofs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPMessage
from http.cookiejar import Cookie, CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

PATIENCE = 20  # seconds for an answer
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
BOX = re.compile(r'<input type="checkbox" name="([^"]+)"')
LINK = re.compile(r'<(?:a|link|script|img)\b[^>]*?\b(?:href|src)="(/[^"#?]*)')


@dataclass(frozen=True)
class Answer:
    """`path` is where redirects led."""

    status: int
    path: str
    headers: HTTPMessage
    body: str

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of its forms, the token that the site asks for among them."""
        return dict(HIDDEN.findall(self.body))

    @property
    def links(self) -> list[str]:
        """The paths on this site that the page links to or loads, without their queries."""
        return LINK.findall(self.body)


class Visitor:
    """One visitor with a jar of cookies, who follows redirects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.jar))

    @property
    def cookies(self) -> list[Cookie]:
        return list(self.jar)

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask(path, None, headers)

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form. The token that the site asks for must be among the fields."""
        body = urlencode(fields).encode()
        return self._ask(path, body, {"Referer": f"{self.url}{path}"})

    def post_json(self, path: str, told: object, *, key: str) -> Answer:
        """Send what a program sends, with its key."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return self._ask(path, json.dumps(told).encode(), headers)

    def sign_in(self, email: str, password: str, *, accepting: bool = True) -> Answer:
        """By the form; then accept every policy that waits, if asked to."""
        answer = self.fill("/login/", login=email, password=password)
        return self.accept(answer) if accepting else answer

    def fill(self, path: str, **fields: str) -> Answer:
        """Open the form there, and send it with its hidden fields and these."""
        return self.post(path, self.get(path).hidden | fields)

    def accept(self, asked: Answer) -> Answer:
        """Tick every box of the page of acceptance, if that is where `asked` led."""
        if asked.path != "/accept/":
            return asked
        boxes = dict.fromkeys(BOX.findall(asked.body), "on")
        return self.post("/accept/", asked.hidden | boxes)

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        # Whose address it is, whoever begins the proofs has said: not who answers.
        request = Request(f"{self.url}{path}", body, headers)  # noqa: S310
        try:
            answer = self.opener.open(request, timeout=PATIENCE)
        except HTTPError as refusal:
            answer = refusal
        with answer:
            shown = answer.read().decode(errors="replace")
            return Answer(answer.status, urlsplit(answer.url).path, answer.headers, shown)
