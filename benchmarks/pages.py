"""The list page under gunicorn: against the usual way, and in a small company against a large one.

Both servers have the same workers, threads and pool, and run on the same machine as the client;
only one is asked at a time.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from benchmarks.cluster import ROOT, Servers
from benchmarks.loading import World
from benchmarks.report import Comparison, interleaved
from benchmarks.statements import cards
from crmsite.embedded import free_port
from crmsite.serving import gunicorn

FASTER = 2.5
NOT_SLOWER = 1.3
UNDER_A_GRANT = 1.15
SECONDS = 4.0  # per round
CLIENTS = 8  # as many as the server has threads
ONE_BY_ONE = 100  # pages per round
ROWS = b'<th class="c-no" scope="row">'


@dataclass(frozen=True)
class Page:
    """One address, or several that are asked for by turns."""

    port: int
    cookie: str
    addresses: tuple[str, ...] = ("/orders/",)

    def connected(self) -> Connection:
        return Connection(self)


class Connection:
    """A kept-alive connection that reads its page again and again. Python's own client would take
    as long as a tenth of the page, from the same two cores."""

    def __init__(self, page: Page) -> None:
        self.socket = socket.create_connection(("127.0.0.1", page.port), timeout=60)
        self.file = self.socket.makefile("rb")
        self.asking = cycle(
            (
                f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
                f"Cookie: {page.cookie}\r\n\r\n"
            ).encode()
            for address in page.addresses
        )

    def read(self) -> bytes:
        self.socket.sendall(next(self.asking))
        status, length = self.file.readline(), 0
        while (line := self.file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        body = self.file.read(length)
        if b" 200 " not in status:
            raise RuntimeError(f"The page answered {status!r}.")
        return body


def compare(servers: Servers, world: World, rounds: int) -> list[Comparison]:
    with ExitStack() as stack:
        ours = stack.enter_context(serving("crmsite.wsgi", "benchmarks.settings"))
        usual = stack.enter_context(serving("benchmarks.usual.wsgi", "benchmarks.usual.settings"))
        small, large = (Page(ours, c.cookie) for c in (world.small, world.large))
        usual_small = Page(usual, world.small.usual_cookie)
        check(small, usual_small)
        return [
            interleaved(
                f"list page of 50, {world.small.orders:,} orders, against the usual way",
                "pages/s", rounds, lambda: per_second(small), lambda: per_second(usual_small),
                goal=FASTER, at_least=True,
            ),
            interleaved(
                f"list page, {world.large.orders:,} orders against {world.small.orders:,}",
                "ms", rounds, lambda: milliseconds(large), lambda: milliseconds(small),
                goal=NOT_SLOWER,
            ),
            *(
                interleaved(
                    f"{name} under an access link, against a member's",
                    "ms", rounds, partial(milliseconds, supports), partial(milliseconds, members),
                    goal=UNDER_A_GRANT,
                )
                for name, members, supports in under_a_grant(ours, world)
            ),
        ]  # fmt: skip


def under_a_grant(port: int, world: World) -> Iterator[tuple[str, Page, Page]]:
    """A page's name, and the page itself of a member and of support, who is offered less on it.

    Both read the cards of the same orders by turns: of one order alone the history would be made of
    a thousand looks of the measuring's own, which take longer to read than all the rest."""
    pages = {"list": ("/orders/",), "card": tuple(cards(world.small, ONE_BY_ONE))}
    for name, asked in pages.items():
        yield name, Page(port, world.small.cookie, asked), Page(port, world.support, asked)


def check(ours: Page, usual: Page) -> None:
    """Both pages show fifty rows, and weigh about the same."""
    bodies = [page.connected().read() for page in (ours, usual)]
    if {body.count(ROWS) for body in bodies} != {50}:
        raise RuntimeError("A page does not have its fifty rows.")
    if not 0.9 < len(bodies[0]) / len(bodies[1]) < 1.1:
        raise RuntimeError("The pages are not alike: " + " and ".join(str(len(b)) for b in bodies))


@contextmanager
def serving(application: str, settings: str) -> Iterator[int]:
    port = free_port()
    command = gunicorn(f"--bind=127.0.0.1:{port}", "--workers=2", application=application)
    server = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT, env={**os.environ, "DJANGO_SETTINGS_MODULE": settings},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _await(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _await(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The server does not answer.")


def per_second(page: Page) -> float:
    """Pages per second that `CLIENTS` get, each asking for the next as soon as it has one."""
    counts = [0] * CLIENTS
    until = time.monotonic() + SECONDS

    def ask(place: int) -> None:
        connection = page.connected()
        while time.monotonic() < until:
            connection.read()
            counts[place] += 1

    began = time.monotonic()
    clients = [threading.Thread(target=ask, args=[place]) for place in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(counts) / (time.monotonic() - began)


def milliseconds(page: Page) -> float:
    """Per page, one after the other over one connection."""
    connection = page.connected()
    connection.read()
    began = time.perf_counter()
    for _ in range(ONE_BY_ONE):
        connection.read()
    return (time.perf_counter() - began) / ONE_BY_ONE * 1000
