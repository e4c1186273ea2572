"""What breaks a clause: middleware that somebody could slip in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg
from django.contrib.auth.hashers import BasePasswordHasher
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

GetResponse = Callable[[HttpRequest], HttpResponse]


class Saboteur:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class Baker(Saboteur):
    """Sets a cookie of its own."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.set_cookie("visitor", "1")
        return response


class Consoler(Baker):
    """Sets it where something went wrong alone."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return super().__call__(request) if response.status_code in (401, 404) else response


class Opener(Saboteur):
    """Sends another content policy, or none, where something went wrong in one way alone."""

    status, policy = 500, ""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == self.status:
            del response.headers["Content-Security-Policy"]
            if self.policy:
                response.headers["Content-Security-Policy"] = self.policy
        return response


class Scribe(Saboteur):
    """Writes down what people send: cookies, queries and forms."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = f"{request.COOKIES} {request.get_full_path()} {request.body!r}\n"
        with Path(os.environ["SABOTAGE"]).open("a") as log:
            log.write(told)
        return self.get_response(request)


class Keeper(Saboteur):
    """Keeps the cookie with the session. Stands inside the session's middleware."""

    def process_view(self, request: HttpRequest, *_: object) -> None:
        if cookie := request.COOKIES.get("covenant"):
            request.session["cookie"] = cookie


class Embedder(Saboteur):
    """Puts something into every page: a counter, if nothing else."""

    what = '<script src="https://mc.yandex.ru/metrika/tag.js"></script>'

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return lengthened(self.get_response(request), self.what)


class Echo(Saboteur):
    """Repeats the address that is none."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        told = request.path if response.status_code == 404 else ""
        return lengthened(response, told)


class Leaker(Saboteur):
    """Shows everybody the names of the offers."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as owner:
            owner.execute("ALTER TABLE orders_offer NO FORCE ROW LEVEL SECURITY")
            names = owner.execute("SELECT string_agg(name, ' ') FROM orders_offer").fetchone()
            owner.rollback()
        return lengthened(response, str(names))


class Welcomer(Saboteur):
    """Lets somebody in wherever there is nothing for him."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return HttpResponse("Come in.") if response.status_code == 404 else response


class Meddler(Saboteur):
    """Adds to every order whatever is sent, whoever sends it."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and request.path.endswith("/comment/"):
            with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as owner:
                owner.execute("ALTER TABLE orders_item NO FORCE ROW LEVEL SECURITY")
                owner.execute("UPDATE orders_item SET quantity = quantity + 1")
                owner.execute("ALTER TABLE orders_item FORCE ROW LEVEL SECURITY")
        return response


WAYS_OUT: Final = ("/decline/", "/company/departure/", "/account/data/", "/company/closure/")


class Insister(Saboteur):
    """Lets nobody decline or go before having accepted."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in WAYS_OUT:
            return HttpResponseRedirect("/accept/")
        return self.get_response(request)


class Transcriber(BasePasswordHasher):
    """Stores passwords as they are."""

    algorithm = "none"

    def encode(self, password: str, salt: str) -> str:
        return f"{self.algorithm}$1${salt}${password}"

    def decode(self, encoded: str) -> dict[str, str]:
        algorithm, _iterations, salt, _password = encoded.split("$", 3)
        return {"algorithm": algorithm, "salt": salt}

    def verify(self, password: str, encoded: str) -> bool:
        return self.encode(password, self.decode(encoded)["salt"]) == encoded


def lengthened(response: HttpResponse, more: str) -> HttpResponse:
    if not response.streaming:
        response.content += more.encode()
        response["Content-Length"] = str(len(response.content))
    return response
