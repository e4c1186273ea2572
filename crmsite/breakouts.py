"""Ways out of a process that serves, tried from inside one: `python -m crmsite.breakouts PORT`.

Somebody listens on that port of this machine, which is on no list. For a proof, and for tests.
Writes as JSON which ways were open.
"""

import importlib
import json
import os
import smtplib
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.request import urlopen

HERE: Final = "127.0.0.1"
LISTED: Final = str(Path(__file__).parents[1] / "orders" / "workbooks.py")
KINDS: Final = {"web": "crmsite.wsgi", "nothing": "json"}  # what makes the process one that serves


def by_connection(port: int) -> None:
    socket.create_connection((HERE, port), timeout=2).close()


def by_its_name(port: int) -> None:
    socket.create_connection(("localhost", port), timeout=2).close()


def by_http(port: int) -> None:
    urlopen(f"http://{HERE}:{port}/", timeout=0.5)


def by_mail(port: int) -> None:
    smtplib.SMTP(HERE, port, timeout=0.5)


def by_datagram(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as line:
        line.sendto(b"order", (HERE, port))


def by_looking_up_a_name(port: int) -> None:
    socket.getaddrinfo("order.example", port)


def by_a_socket_file(port: int) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect("/nowhere.sock")


def by_a_program(port: int) -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def by_a_program_under_a_listed_name(port: int) -> None:
    subprocess.run([sys.executable, "-I", LISTED], executable="/bin/true", check=True)


def by_the_shell(port: int) -> None:
    os.system("true")  # noqa: S605, S607  (the very thing that must be refused)


WAYS: Final[tuple[Callable[[int], None], ...]] = (
    by_connection, by_its_name, by_http, by_mail, by_datagram, by_looking_up_a_name,
    by_a_socket_file, by_a_program, by_a_program_under_a_listed_name, by_the_shell,
)  # fmt: skip


def tried(port: int, kind: str = "web") -> list[str]:
    """The ways that are open to a process of this kind. Raises CalledProcessError."""
    done = subprocess.run(
        [sys.executable, "-m", "crmsite.breakouts", str(port), kind],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout.splitlines()[-1]))


def open_ways(port: int) -> list[str]:
    return [way.__name__ for way in WAYS if is_open(way, port)]


def is_open(way: Callable[[int], None], port: int) -> bool:
    """Whether nothing forbade it, however it ended: who listens outside says nothing back."""
    try:
        way(port)
    except OSError as error:
        return not isinstance(getattr(error, "reason", error), PermissionError)  # urllib's reason
    return True


if __name__ == "__main__":
    importlib.import_module(KINDS[sys.argv[2]])
    sys.stdout.write(json.dumps(open_ways(int(sys.argv[1]))))
