"""A download that somebody reads slowly, from the server that serves the site: it is cut off in the
middle once the right to it is over."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.test import Client

from accounts import gate
from crmsite.sites import Site
from orders import archives, exports
from orders.models import Export
from tests.orders.test_exports import begun, secret_of
from tests.people import gail, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

PIECES = 24  # more than the sockets of both sides hold
WHOLE = PIECES * archives.PIECE
LAST_CHUNK = b"\r\n0\r\n\r\n"  # RFC 9112: by it a reader knows that nothing is missing


def archive_of_gails() -> Export:
    """One of so many pieces, as if the worker had just finished it."""
    run = begun(gail)
    secret = secret_of(run)
    with gate.carrying(secret):
        held = exports.keys_of(exports.begun_anew(run.id))
    kept = exports.Keeper(run, held, secret, total=0)
    for _ in range(PIECES):
        kept.keep(os.urandom(archives.PIECE))
    kept.finish()
    return run


@contextmanager
def downloading(site: Site, run: Export, secret: str) -> Iterator[socket.socket]:
    """A connection on which the download was asked for, and which takes little at a time."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        line.settimeout(60)
        line.connect(("127.0.0.1", site.port))
        line.sendall(
            f"GET /account/data/{run.id}/archive/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Cookie: covenant={secret}\r\nConnection: close\r\n\r\n".encode()
        )
        yield line


def drained(line: socket.socket) -> bytes:
    """All that still comes, until the other side ends it, in whatever way."""
    found = bytearray()
    try:
        while piece := line.recv(1 << 16):
            found += piece
    except ConnectionResetError:
        pass
    return bytes(found)


def sign_out(secret: str, _owner: psycopg.Connection) -> None:
    gate.end_pass(secret)


def deactivate(_secret: str, owner: psycopg.Connection) -> None:
    owner.execute("UPDATE accounts_user SET is_active = false WHERE email = %s", [gail.email])


@pytest.mark.parametrize("end", [sign_out, deactivate])
def test_a_running_download_is_cut_off_and_not_ended(
    end: Callable[[str, psycopg.Connection], None], tmp_path: Path, owner: psycopg.Connection
) -> None:
    run, secret = archive_of_gails(), sign_in(Client(), gail).cookies["covenant"].value
    site = Site(dict(os.environ), tmp_path / "log")
    with site.serving():
        with downloading(site, run, secret) as line:
            whole = drained(line)
        assert len(whole) > WHOLE and whole.endswith(LAST_CHUNK)
        with downloading(site, run, secret) as line:
            assert line.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
            end(secret, owner)
            rest = drained(line)
        assert len(rest) < WHOLE / 2 and not rest.endswith(LAST_CHUNK)
        with downloading(site, run, secret) as line:
            assert line.recv(1 << 16).startswith(b"HTTP/1.1 302 ")
    assert "PassEnded" in site.log.read_text()
