"""Whom the running site calls."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.proving import Broken, Figures, System, Untried, proves
from crmsite import breakouts, egress
from crmsite.proofs.crawling import crawl, signed_in


@proves(
    "T2",
    tried=_(
        "Watched the connections of the %(processes)s processes that serve and work while somebody "
        "signed in, opened %(pages)s pages and had letters sent: %(calls)s, all of them to what is "
        "on the list. Tried %(ways)s ways out from inside such a process: each was refused, and "
        "whoever listened outside heard nothing. Named %(within)s addresses within networks to the "
        "place that calls webhooks: none may be called."
    ),
)
def every_connection_is_on_the_list(system: System) -> Figures:
    with listener() as port:
        if ways := breakouts.tried(port):
            raise Broken(f"a process that serves gets out {ways[0].replace('_', ' ')}")
    for address in WITHIN:
        if egress.may_be_called(address):
            raise Broken(f"a webhook may lead to a {egress.kind_of(address)} address")
    processes = egress.processes()
    if not processes:
        raise Untried("it needs the processes that serve and work")
    with egress.watching(processes) as seen:
        visitor = signed_in(system)
        pages = len(list(crawl(visitor, ["/orders/", "/"])))
        visitor.fill("/login/password/", email="nobody@aurora.example")
    judge(seen)
    return {
        "processes": len(processes), "pages": pages, "calls": len(seen),
        "ways": len(breakouts.WAYS), "within": len(WITHIN),
    }  # fmt: skip


WITHIN: Final = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
)  # fmt: skip


def judge(seen: set[egress.Address]) -> None:
    """What was called must be on the list. Raises Broken."""
    known = egress.destinations().values()
    for address, port in seen:
        if not any(port == allowed and egress.leads_to(host, address) for host, allowed in known):
            raise Broken(f"a {egress.kind_of(address)} that is on no list is called")
    if not seen:
        raise Broken("no connection is seen, not even the database's: this attack shows nothing")


@contextmanager
def listener() -> Iterator[int]:
    """Somebody outside, who must hear nothing; his port."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.setblocking(False)
        yield outside.getsockname()[1]
        with suppress(BlockingIOError):
            outside.accept()
            raise Broken("somebody outside was called")
