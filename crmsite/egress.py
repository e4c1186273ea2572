"""The connections that the web and the worker may open: a closed list, enforced here (clause T2).

Python tells an audit hook of each connection, name look-up and program before it comes about, and
what the hook raises stops it. A hook cannot be taken out again, so code that was smuggled in later
is held by it too. It does not see what a C library does by itself: libpq's way to the database,
which is on the list anyway. For the rest the kernel has a list of its own (deploy/*.service).

Whoever adds a destination adds it to `destinations`: one to which orders would go needs a clause
that says so. Webhooks, which companies set, are no list that a process could know from its start:
the worker, and it alone, may call a public address while `crmsite.calls` does.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final, NoReturn

import psutil
from django.conf import settings

log = logging.getLogger("crmsite.egress")

Address = tuple[str, int]  # host, port

POSTGRESQL: Final = 5432
GLANCE: Final = 0.02  # seconds between two looks of whoever watches
PROGRAMS: Final = (  # by the first three of their arguments
    [sys.executable, "-I", str(settings.BASE_DIR / "orders" / "workbooks.py")],  # reads XLSX
)


_calling: Final[ContextVar[frozenset[str]]] = ContextVar("calling", default=frozenset())


@contextmanager
def calling(*hosts: str) -> Iterator[None]:
    """A webhook is under way: these names may be looked up, and these addresses connected to, where
    the process calls webhooks at all."""
    token = _calling.set(frozenset(hosts))
    try:
        yield
    finally:
        _calling.reset(token)


class Refused(PermissionError):
    """The connection is on no list. Says what kind of address it was, and never which."""


def destinations() -> dict[str, Address]:
    """Where connections may lead, by what is there: host and port."""
    database = settings.DATABASES["default"]
    found = {"database": (database["HOST"], int(database["PORT"] or POSTGRESQL))}
    if settings.EMAIL_BACKEND.endswith(".smtp.EmailBackend"):
        found["mail"] = (settings.EMAIL_HOST, settings.EMAIL_PORT)
    return found


def enforce(*, webhooks: bool = False) -> None:
    """From here on this process opens no connection but to `destinations` and, where it calls
    `webhooks`, to whom it is `calling`; and it starts no program but `PROGRAMS`."""
    judges = judges_of(frozenset(destinations().values()), webhooks=webhooks)

    def look(event: str, args: tuple[Any, ...]) -> None:
        if judge := judges.get(event):
            judge(*args)

    sys.addaudithook(look)


def judges_of(
    allowed: frozenset[Address], *, webhooks: bool = False
) -> dict[str, Callable[..., None]]:
    """Who judges each of Python's audit events that lead out of the process."""
    names = {host for host, _port in allowed} | {socket.gethostname()}  # the mail's greeting

    def connection(_socket: socket.socket, address: Any) -> None:
        if address is None:  # sendmsg to whom it is connected already
            return
        if not isinstance(address, tuple):
            refuse("socket file")
        if webhooks and address[0] in _calling.get() and may_be_called(address[0]):
            return
        if not any(address[1] == port and leads_to(host, address[0]) for host, port in allowed):
            refuse(kind_of(address[0]))

    def name(host: str | bytes | None, *_more: Any) -> None:
        asked = host.decode(errors="replace") if isinstance(host, bytes) else host
        if webhooks and asked in _calling.get():
            return
        if asked and asked not in names and not any(leads_to(known, asked) for known in names):
            refuse(kind_of(asked))

    return {
        "socket.connect": connection,
        "socket.sendto": connection,
        "socket.sendmsg": connection,
        "socket.getaddrinfo": name,
        "socket.gethostbyname": name,
        "socket.gethostbyaddr": name,
        "subprocess.Popen": program,
        **dict.fromkeys(("os.system", "os.exec", "os.posix_spawn", "os.spawn"), program),
    }


def program(path: Any, arguments: Any = (), *_more: Any) -> None:
    """Let the listed programs through; a program could call out where no hook of ours looks. What
    is run is the file at `path`, whatever its arguments call it."""
    named = [] if isinstance(arguments, str) else [str(each) for each in arguments][:3]
    if named not in PROGRAMS or str(path) != named[0]:
        refuse("program")


def leads_to(host: str, asked: str) -> bool:
    """Whether what was asked for is this host, by its name or by an address of it."""
    return asked == host or asked in known_addresses(host) or asked in resolved(host)


_known: dict[str, set[str]] = {}


def known_addresses(host: str) -> set[str]:
    """The addresses that this process has seen the host under: a name server may change its mind
    between a look-up and the connection."""
    return _known.setdefault(host, set())


def resolved(host: str) -> set[str]:
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
    except OSError:
        return set()
    known_addresses(host).update(found)
    return found


# Of a cloud's or a site's own, though Python says they are the world's.
NOT_PUBLIC: Final = ("192.0.0.0/24", "168.63.129.16/32", "fec0::/10")
# In which an IPv6 address holds an IPv4 one, perhaps a private one.
EMBEDDED: Final = ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
SHUT: Final = tuple(ipaddress.ip_network(each) for each in (*NOT_PUBLIC, *EMBEDDED))


def may_be_called(address: str) -> bool:
    """Whether a webhook may lead there: a public address, not one of a network of ours."""
    try:
        asked = ipaddress.ip_address(address)
    except ValueError:
        return False
    if asked.is_loopback and settings.WEBHOOKS_TO_LOOPBACK:
        return True
    return (
        asked.is_global
        and not asked.is_multicast
        and not any(asked.version == each.version and asked in each for each in SHUT)
    )


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def kind_of(host: str) -> str:
    """What may be told of an address: neither it nor its name, which could be a customer's."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "name"
    if address.is_loopback:
        return "loopback"
    return "public" if address.is_global else "private"


def refuse(kind: str) -> NoReturn:
    log.error("Refused to call a %s that is on no list", kind)
    raise Refused(f"A {kind} that is on no list of outbound connections (clause T2)")


# Watching, for whoever does not take our word for it.


def processes() -> list[psutil.Process]:
    """Those that serve and work on our data folder, by their environment and command line."""
    ours = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            serves = {"crmsite.wsgi", "worker"} & set(process.cmdline())
            if serves and process.environ().get("VAR") == str(settings.VAR):
                ours.append(process)
    return ours


@contextmanager
def watching(processes: list[psutil.Process]) -> Iterator[set[Address]]:
    """The addresses that these processes had a connection to at any time during the block, as the
    kernel tells; filled in while it lasts."""
    seen: set[Address] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for process in processes:
                with suppress(psutil.Error):
                    seen.update(called_by(process))
            over.wait(GLANCE)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def called_by(process: psutil.Process) -> set[Address]:
    """Whom it has a connection to; not who came to a port on which it listens."""
    lines = process.net_connections(kind="inet")
    served = {line.laddr.port for line in lines if line.status == psutil.CONN_LISTEN}
    return {
        (line.raddr.ip, line.raddr.port)
        for line in lines
        if line.raddr and line.laddr.port not in served
    }
