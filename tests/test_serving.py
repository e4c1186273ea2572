"""The web server in front of the site: what it takes, and what it writes down of that."""

import io
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from crmsite import embedded, logs
from crmsite.serving import gunicorn
from tests.databases import ROOT

SECRET = "Xq7-secret-of-an-invitation"
PATIENCE = 30  # seconds until it must answer


class Server:
    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def answer(self, request: str) -> str:
        """What comes back for these bytes; nothing while it does not listen yet."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
                line.sendall(request.encode())
                return line.makefile(encoding="utf-8").read()
        except ConnectionRefusedError:
            return ""

    def get(self, address: str) -> str:
        return self.answer(
            f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, cluster: object) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("serving") / "log"
    serving = Server(embedded.free_port(), log)
    command = [sys.executable, *gunicorn(f"--bind=127.0.0.1:{serving.port}")]
    with (
        log.open("w") as file,
        subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=file, stderr=file) as process,
    ):
        deadline = time.monotonic() + PATIENCE
        while "200 OK" not in serving.get("/healthz"):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield serving
        process.terminate()


def test_a_long_address_reaches_the_site(server):
    assert "200 OK" in server.get(f"/privacy/?{'q' * 8_000}")


def test_an_endless_one_does_not(server):
    assert "414" in server.get(f"/privacy/?{'q' * 9_000}").splitlines()[0]


@pytest.mark.parametrize(
    "request_",
    [
        f"GET /invitation/{SECRET}/ HTTP/9.9\r\n\r\n",
        f"GET /invitation/{SECRET}/ and more HTTP/1.1\r\n\r\n",
        f"get /orders/?q={SECRET} HTTP/1.1\r\n\r\n",
        f"GET /orders/?q={SECRET} HTTP/1.1\r\nBad Header: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: localhost\r\nReferer: /{SECRET}\r\n folded\r\n\r\n",
        f"GET /{'a' * 9_000}{SECRET} HTTP/1.1\r\n\r\n",
    ],
    ids=["version", "words", "method", "header", "folded", "long"],
)
def test_a_request_that_the_server_refuses_is_logged_without_its_words(server, request_):
    before = server.log.read_text()
    assert "HTTP/1.1 4" in server.answer(request_)
    told = server.log.read_text().removeprefix(before)
    assert SECRET not in told
    assert json.loads(told)["event"] == logs.WITHHELD


@pytest.fixture
def gunicorns_log() -> logging.Logger:
    """gunicorn's own logger, as it is once a worker serves."""
    log = logging.Logger("gunicorn.error")
    log.addHandler(logging.StreamHandler(io.StringIO()))
    with mock.patch.dict(logging.Logger.manager.loggerDict, {"gunicorn.error": log}):
        logs.withhold_gunicorns_words()
    return log


def test_a_request_that_failed_is_logged_without_its_address(gunicorns_log):
    try:
        raise ValueError(SECRET)
    except ValueError:
        gunicorns_log.exception("Error handling request %s %s", "GET", f"/invitation/{SECRET}/")
    written = gunicorns_log.handlers[0].stream.getvalue()
    assert SECRET not in written
    told = json.loads(written)
    assert told["event"] == "Error handling request %s %s"
    assert told["failure"][0]["kind"] == "builtins.ValueError"


def test_a_start_that_fails_still_says_why(cluster):
    done = subprocess.run(
        [sys.executable, *gunicorn("--bind=127.0.0.1:0")],
        cwd=ROOT, env=os.environ | {"DEBUG": "", "SECRET_KEY": ""},
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode
    assert "SECRET_KEY: " in done.stderr
