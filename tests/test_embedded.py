"""The PostgreSQL of our own: one at a time, closed to strangers, and never left behind."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from crmsite import embedded, lodging
from tests.databases import ROOT


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    embedded.remove(tmp_path / "var")


def begun(script: str, var: Path) -> subprocess.Popen[str]:
    """A process that has the cluster in use, and says so by a line."""
    program = f"""
import sys, time, pathlib
from crmsite import embedded, supervision
with embedded.in_use(pathlib.Path({str(var)!r})) as urls:
    print("ready", flush=True)
{textwrap.indent(script, "    ")}
"""
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def ready(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert row
        return int(row[0])


def test_it_keeps_its_data_over_a_restart(var: Path):
    with psycopg.connect(embedded.start(var).owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
    embedded.stop(var)
    assert not embedded.running(var)
    assert count(embedded.start(var).owner) == 1


def test_it_asks_everybody_for_a_password(var: Path):
    url = embedded.start(var, throwaway=True).superuser
    wrong = url.replace(embedded.Cluster(var).state["passwords"]["postgres"], "guessed")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_only_its_user_reads_the_passwords(var: Path):
    embedded.start(var, throwaway=True)
    assert stat.S_IMODE((var / "postgres.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(embedded.Cluster(var).data.stat().st_mode) == 0o700


def test_two_that_start_at_once_share_one(var: Path):
    first, second = begun("sys.stdin.read()", var), begun("sys.stdin.read()", var)
    ready(first), ready(second)
    first.kill(), second.kill()
    first.wait(), second.wait()
    assert embedded.running(var)


def test_whoever_leaves_last_stops_it(var: Path):
    staying = ready(begun("time.sleep(60)", var))
    ready(begun("pass", var)).wait()
    assert embedded.running(var)
    staying.send_signal(signal.SIGINT)
    staying.wait()
    assert not embedded.running(var)


def test_a_killed_user_does_not_keep_it_running(var: Path):
    killed = ready(begun("time.sleep(60)", var))
    killed.kill()
    killed.wait()
    ready(begun("pass", var)).wait()
    assert not embedded.running(var)


def test_it_starts_after_the_server_was_killed(var: Path):
    with psycopg.connect(embedded.start(var).owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
    server = embedded.Cluster(var).postmaster()
    assert server
    server.kill()
    server.wait()
    assert count(embedded.start(var).owner) == 1


def test_it_starts_beside_a_stale_pid_that_is_now_another_programs(var: Path):
    embedded.start(var, throwaway=True)
    pid_file = embedded.Cluster(var).data / "postmaster.pid"
    stale = pid_file.read_text().splitlines()
    embedded.stop(var)
    pid_file.write_text("\n".join([str(os.getppid()), *stale[1:]]) + "\n")
    assert not embedded.running(var)
    embedded.start(var, throwaway=True)
    assert embedded.running(var)


def test_it_takes_another_port_when_its_own_is_taken(var: Path):
    before = embedded.start(var, throwaway=True)
    embedded.stop(var)
    port = embedded.Cluster(var).state["port"]
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN, str(port)], stdin=subprocess.PIPE
    ) as other:
        while embedded.is_free(port):
            time.sleep(0.02)
        assert embedded.start(var, throwaway=True) != before
        other.kill()


LISTEN = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_a_folder_only_root_may_enter_stays_closed(var: Path):
    var.mkdir()
    var.chmod(0o700)
    embedded.start(var, throwaway=True)
    home = embedded.Cluster(var).home
    assert home.parent == lodging.ELSEWHERE
    assert stat.S_IMODE(var.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps a cluster elsewhere")
def test_a_data_folder_begun_anew_leaves_no_orphan_elsewhere(var: Path):
    var.mkdir()
    var.chmod(0o700)
    embedded.start(var, throwaway=True)
    former = embedded.Cluster(var).home
    for file in var.iterdir():
        file.unlink()
    embedded.start(var, throwaway=True)
    assert not former.exists()
