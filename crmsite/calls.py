"""Webhooks on their way out: the one place that calls an address which somebody typed in.

It calls public addresses alone, by the address that was judged: a name that is looked up once more
might lead elsewhere by then. No redirect is followed, nothing of the answer is read but its head,
and whoever answers slowly is left after DEADLINE.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from threading import Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

from crmsite import egress
from orders.webhooks import CallFailed

PATIENCE: Final = 5.0  # seconds for each step
DEADLINE: Final = 10.0  # seconds for all of them
PORTS: Final = {"https": 443, "http": 80}
FAILURES: Final[dict[type[Exception], str]] = {  # the narrower ones first
    TimeoutError: "silence",
    ssl.SSLError: "encryption",
    OSError: "connection",
}


class Line(HTTPConnection):
    """A connection to one address that was judged already."""

    def __init__(self, host: str, port: int, *, address: str, secured: bool) -> None:
        super().__init__(host, port, timeout=PATIENCE)
        self.address, self.secured = address, secured
        self.late = False

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), timeout=PATIENCE)
        if self.late:  # there was nothing to hang up yet
            raise TimeoutError
        if self.secured:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status that was answered. Raises CallFailed."""
    try:
        parts = urlsplit(url)
        host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise CallFailed("name") from None
    with egress.calling(host):
        address = judged(host)
    secured = parts.scheme == "https"
    if not secured and not egress.is_loopback(address):
        raise CallFailed("address")
    with egress.calling(address):
        return ask(Line(host, port, address=address, secured=secured), parts, body, headers)


def judged(host: str) -> str:
    """An address of the host, all of whose addresses may be called. Raises CallFailed."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CallFailed("name") from None
    addresses = [str(each[4][0]) for each in found]
    if not all(map(egress.may_be_called, addresses)):
        raise CallFailed("address")
    return addresses[0]


def ask(line: Line, url: SplitResult, body: bytes, headers: Mapping[str, str]) -> int:
    asked = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
    told = {"Content-Type": "application/json", "User-Agent": "Covenant", **headers}
    ends = Timer(DEADLINE, hang_up, [line])
    ends.daemon = True
    ends.start()
    try:
        line.request("POST", asked, body, told)
        status = line.getresponse().status
    except (OSError, HTTPException, ValueError) as error:
        raise CallFailed("silence" if line.late else what(error)) from None
    finally:
        ends.cancel()
        line.close()
    if line.late:  # cut off within the head, which reads like its end
        raise CallFailed("silence")
    return status


def what(error: Exception) -> str:
    """What has failed, as `orders.webhooks.ANSWERS` has it."""
    for kind, why in FAILURES.items():
        if isinstance(error, kind):
            return why
    return "nonsense"


def hang_up(line: Line) -> None:
    """From another thread: closing alone would leave the reader waiting."""
    line.late = True
    if line.sock:
        try:
            line.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            line.sock.close()
