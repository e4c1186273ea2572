"""The shipped proxy configuration in front of a production start: for proofs, and for tests.

Debian's caddy reads `deploy/Caddyfile` as it is, under other ports and with certificates of its own
internal authority, in front of the same code and database that the settings name.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from django.conf import settings

from crmsite import embedded, sites
from crmsite.development import LOOPBACK_HOSTS
from crmsite.supervision import end_with_parent

CADDYFILE: Final = settings.BASE_DIR / "deploy" / "Caddyfile"
NAME: Final = LOOPBACK_HOSTS[0]
PATIENCE: Final = 30  # seconds until it must answer
ANSWERS_TAKE: Final = 10  # seconds, at most


def found() -> str | None:
    """The path of the caddy installed here."""
    return shutil.which("caddy")


@dataclass(frozen=True)
class Answer:
    """`headers` have small names; a header that came twice stands with both its values."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Proxy:
    """Where it listens, whom it asks, who signed its certificate, and what it wrote."""

    upstream: str
    http: int
    https: int
    authority: Path
    log: Path

    def get(self, path: str, *, port: int | None = None, host: str = NAME) -> Answer:
        """What it answers over HTTPS; over plain HTTP at the port given. Raises OSError."""
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        with ExitStack() as lines:
            line = lines.enter_context(reached(port or self.https))
            if not port:
                trusting = ssl.create_default_context(cafile=str(self.authority))
                line = lines.enter_context(trusting.wrap_socket(line, server_hostname=NAME))
            line.sendall(request.encode())
            return parsed(line.makefile("rb").read().decode(errors="replace"))


def reached(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_TAKE)


def parsed(answer: str) -> Answer:
    head, _, body = answer.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    if not first:
        raise ConnectionError("no answer")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Answer(int(first.split()[1]), headers, body)


def handshake(port: int, version: ssl.TLSVersion) -> str:
    """The version agreed on with a client that speaks this one alone; "" where the server itself
    refuses it. Raises OSError where something else failed: that would have shown nothing."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL itself would not try the old ones
    client.minimum_version = client.maximum_version = version
    with reached(port) as line:
        try:
            with client.wrap_socket(line, server_hostname=NAME) as agreed:
                return agreed.version() or ""
        except ssl.SSLError as refusal:
            if "ALERT_PROTOCOL_VERSION" not in (refusal.reason or ""):
                raise
            return ""


@contextmanager
def proxied(caddyfile: Path = CADDYFILE) -> Iterator[Proxy]:
    """The site as production starts it, behind its proxy, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="covenant-proxy-") as name:
        folder = Path(name)
        site = sites.Site(as_in_production(folder), folder / "site.log")
        site.manage("collectstatic", "--noinput", "--verbosity=0")
        with site.serving(), started(caddyfile, folder, site.address) as proxy:
            yield proxy


def as_in_production(folder: Path) -> dict[str, str]:
    """The environment of a server on this database, without a developer's conveniences."""
    database = settings.DATABASES["default"]
    role = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    return {
        **{key: value for key, value in os.environ.items() if key not in sites.NAMED_OTHERWISE},
        "DEBUG": "",
        "SECRET_KEY": settings.SECRET_KEY,
        "MASTER_KEY": ",".join(base64.b64encode(key).decode() for key in settings.MASTER_KEYS),
        "ALLOWED_HOSTS": f"{NAME},127.0.0.1",  # the latter for whoever waits until it is alive
        "DATABASE_URL": f"postgresql://{role}@{database['HOST']}:{database['PORT']}"
        f"/{database['NAME']}",
        "STATIC_ROOT": str(folder / "static"),
    }


@contextmanager
def started(caddyfile: Path, folder: Path, upstream: str) -> Iterator[Proxy]:
    """caddy with its state in the folder, which is thrown away."""
    proxy = Proxy(
        upstream=upstream,
        http=embedded.free_port(),
        https=embedded.free_port(),
        authority=folder / "caddy" / "pki" / "authorities" / "local" / "root.crt",
        log=folder / "caddy.log",
    )
    told = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "SITE": NAME,
        "ISSUER": "internal",
        "HTTP_PORT": str(proxy.http),
        "HTTPS_PORT": str(proxy.https),
        "UPSTREAM": upstream.removeprefix("http://"),
    }
    command = [found() or "caddy", "run", "--config", str(caddyfile), "--adapter", "caddyfile"]
    with (
        proxy.log.open("w") as log,
        subprocess.Popen(
            command, env=told, stdout=log, stderr=log, preexec_fn=end_with_parent()
        ) as process,
    ):
        try:
            wait_for(proxy, process)
            yield proxy
        finally:
            process.terminate()


def wait_for(proxy: Proxy, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not alive(proxy):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"caddy did not start:\n{proxy.log.read_text()}")
        time.sleep(0.1)


def alive(proxy: Proxy) -> bool:
    """Whether it answers, be it only that nobody serves behind it."""
    try:
        return bool(proxy.get("/healthz").status)
    except OSError:
        return False
