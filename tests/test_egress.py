"""Outbound connections are a closed list (clause T2): what is not on it is not called."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from accounts.proving import Broken, System
from crmsite import breakouts, egress
from crmsite.egress import Refused
from crmsite.proofs import outbound

MAIL = ("mail.example", 25)
DATABASE = ("10.0.0.5", 5432)


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[..., None]]:
    """Those of a site with a database and a mail server; that has one address more every time."""
    served = iter(range(1, 9))

    def look_up(host: str, *_more: object) -> list[object]:
        if host != MAIL[0]:
            raise socket.gaierror
        return [(2, 1, 6, "", (f"192.0.2.{next(served)}", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(egress, "_known", {})
    return egress.judges_of(frozenset({MAIL, DATABASE}))


@pytest.mark.parametrize("address", [DATABASE, ("192.0.2.1", 25)])
def test_what_is_on_the_list_is_called(judges, address):
    judges["socket.connect"](None, address)


def test_an_address_that_the_name_had_before_is_called(judges):
    judges["socket.connect"](None, ("192.0.2.1", 25))
    judges["socket.connect"](None, ("192.0.2.2", 25))
    judges["socket.connect"](None, ("192.0.2.1", 25))


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (("10.0.0.5", 5433), "private"),
        (("192.0.2.1", 443), "private"),
        (("1.1.1.1", 5432), "public"),
        (("::1", 5432, 0, 0), "loopback"),
        (("a-customers-server.example", 25), "name"),
        ("/run/elsewhere.sock", "socket file"),
    ],
)
def test_all_else_is_refused_and_told_by_its_kind_alone(judges, caplog, address, kind):
    with pytest.raises(Refused, match=f"^A {kind} that is on no list"):
        judges["socket.connect"](None, address)
    (line,) = caplog.messages
    assert line == f"Refused to call a {kind} that is on no list"


def test_names_are_looked_up_of_the_list_and_of_this_machine_alone(judges):
    for name in (MAIL[0], b"mail.example", socket.gethostname(), None, "10.0.0.5"):
        judges["socket.getaddrinfo"](name, 25)
    with pytest.raises(Refused):
        judges["socket.getaddrinfo"]("order-of-gail.example", 53)


@pytest.mark.parametrize("command", egress.PROGRAMS)
def test_the_programs_that_are_needed_run(command):
    egress.program(command[0], [*command, "and", "more"])


@pytest.mark.parametrize("command", [["curl"], ["git", "push"], [sys.executable, "-c", ""], "sh"])
def test_no_other_runs(command):
    with pytest.raises(Refused):
        egress.program(command[0], command)


def test_no_other_runs_by_a_listed_name():
    with pytest.raises(Refused):
        egress.program("/usr/bin/curl", egress.PROGRAMS[0])


def test_mail_is_a_destination_where_letters_leave(settings):
    assert set(egress.destinations()) == {"database"}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = MAIL
    assert egress.destinations()["mail"] == MAIL


# The proof of it, and what it sees where the mechanism is broken.


def test_a_process_that_serves_has_no_way_out():
    with outbound.listener() as port:
        assert breakouts.tried(port) == []


def test_without_the_list_every_way_is_open():
    with pytest.raises(Broken, match="outside was called"), outbound.listener() as port:
        assert breakouts.tried(port, "nothing") == [way.__name__ for way in breakouts.WAYS]


def test_the_proof_sees_a_way_out(monkeypatch):
    monkeypatch.setattr(breakouts, "tried", lambda port: ["by_a_program"])
    with pytest.raises(Broken, match="a process that serves gets out by a program"):
        outbound.every_connection_is_on_the_list(System())


def test_the_proof_sees_a_webhook_that_may_lead_within(monkeypatch):
    monkeypatch.setattr(breakouts, "tried", lambda port: [])
    monkeypatch.setattr(egress, "may_be_called", lambda address: address != "127.0.0.1")
    with pytest.raises(Broken, match="a webhook may lead to a private address"):
        outbound.every_connection_is_on_the_list(System())


CALL = "import socket, sys, time; l = socket.create_connection(('127.0.0.1', int(sys.argv[1])))"


def test_the_proof_sees_a_connection_that_is_on_no_list():
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        port = elsewhere.getsockname()[1]
        command = [sys.executable, "-c", f"{CALL}; time.sleep(30)", str(port)]
        with subprocess.Popen(command) as process:
            with egress.watching([psutil.Process(process.pid)]) as seen:
                elsewhere.accept()
                time.sleep(0.2)
            process.kill()
    assert seen == {("127.0.0.1", port)}
    with pytest.raises(Broken, match="a loopback that is on no list is called"):
        outbound.judge(seen)


def test_the_proof_claims_nothing_where_nothing_was_seen():
    with pytest.raises(Broken, match="this attack shows nothing"):
        outbound.judge(set())
