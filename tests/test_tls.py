"""Behind the shipped Caddyfile nothing travels in the clear (clause T5): real handshakes."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.proving import Broken, System
from crmsite import embedded, headers, proxies, startup
from crmsite.proofs import channel

needs_caddy = pytest.mark.skipif(
    not proxies.found(), reason="caddy is missing: nothing of the proxy was tried"
)
CANARY = "Xq7-searched-for"


@pytest.fixture(scope="module")
def proxy(cluster: object) -> Iterator[proxies.Proxy]:
    with proxies.proxied() as running:
        yield running


@needs_caddy
@pytest.mark.parametrize("version", channel.HANDSHAKES, ids=lambda version: version.name)
def test_a_handshake_agrees_on_a_modern_version_alone(proxy, version):
    assert proxies.handshake(proxy.https, version) == channel.HANDSHAKES[version]


@needs_caddy
@pytest.mark.parametrize("path", channel.PLAIN)
def test_plain_http_answers_nothing_but_the_redirect(proxy, path):
    channel.look_at_plain_http(proxy, path)


@needs_caddy
def test_plain_http_under_another_name_answers_nothing(proxy):
    with pytest.raises(ConnectionError):
        proxy.get("/", port=proxy.http, host="elsewhere.example")


@needs_caddy
def test_browsers_are_told_to_stay_and_the_cookie_is_the_hosts_own(proxy):
    answer = proxy.get("/login/")
    assert answer.status == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-covenant=")
    for kind in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert f"; {kind}" in cookie
    assert "Domain" not in cookie


@needs_caddy
def test_slow_senders_keep_nobody_waiting(proxy):
    """Twice as many as gunicorn has threads, each in the middle of a form."""
    slow = [begin_a_form(proxy) for _each in range(16)]
    began = time.monotonic()
    assert proxy.get("/").status == 200
    assert time.monotonic() - began < 5
    for line in slow:
        line.close()


def begin_a_form(proxy: proxies.Proxy) -> ssl.SSLSocket:
    trusting = ssl.create_default_context(cafile=str(proxy.authority))
    line = trusting.wrap_socket(proxies.reached(proxy.https), server_hostname=proxies.NAME)
    line.sendall(
        f"POST /login/ HTTP/1.1\r\nHost: {proxies.NAME}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
        "login=".encode()
    )
    return line


@pytest.fixture(scope="module")
def forsaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[proxies.Proxy]:
    """A proxy behind which nobody serves."""
    nobody = f"http://127.0.0.1:{embedded.free_port()}"
    folder = tmp_path_factory.mktemp("forsaken")
    with proxies.started(proxies.CADDYFILE, folder, nobody) as running:
        yield running


@needs_caddy
def test_what_the_proxy_itself_answers_has_every_header(forsaken):
    answer = forsaken.get("/")
    assert answer.status == 502
    assert {name: answer.headers.get(name.lower()) for name in headers.EVERY} == headers.EVERY
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


@needs_caddy
def test_what_the_proxy_writes_down_holds_no_address(proxy, forsaken):
    for each in (proxy, forsaken):
        each.get(f"/orders/?q={CANARY}")
        each.get("/", port=each.http)
        assert CANARY not in each.log.read_text()


# The proof of it, where the mechanism is broken.


@contextmanager
def old_server(folder: Path) -> Iterator[int]:
    """A server that still agrees on TLS 1.0; its port."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=agree_once, args=(listening, context)).start()
        yield listening.getsockname()[1]


def agree_once(listening: socket.socket, context: ssl.SSLContext) -> None:
    line, _address = listening.accept()
    with context.wrap_socket(line, server_side=True):
        pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_proof_sees_an_old_version_agreed_on(tmp_path):
    with old_server(tmp_path) as port, pytest.raises(Broken, match="TLSv1 alone agrees on TLSv1"):
        channel.look_at_handshakes(port)


@needs_caddy
@pytest.mark.parametrize(
    ("guard", "broken", "seen"),
    [
        ("redir https://{$SITE}{uri} 308", "reverse_proxy {$UPSTREAM}", "plain HTTP answers"),
        (
            "		-Server\n		defer",
            "		-Strict-Transport-Security\n		defer",
            "stay with",
        ),
        (
            "		-Server\n		defer",
            '		Set-Cookie "; Secure" ""\n		defer',
            "may travel in the clear",
        ),
    ],
    ids=["plain", "no HSTS", "cookie in the clear"],
)
def test_the_proof_sees_a_proxy_that_is_set_up_otherwise(
    guard, broken, seen, tmp_path, proxy, monkeypatch
):
    text = proxies.CADDYFILE.read_text()
    assert guard in text
    (changed := tmp_path / "Caddyfile").write_text(text.replace(guard, broken))
    with proxies.started(changed, tmp_path, proxy.upstream) as other:
        monkeypatch.setattr(proxies, "proxied", lambda: nullcontext(other))
        with pytest.raises(Broken, match=seen):
            channel.nothing_travels_in_the_clear(System())


# The start.


@pytest.mark.parametrize("name", startup.ENCRYPTED)
def test_a_server_does_not_start_with_anything_in_the_clear(settings, name):
    for each, value in (startup.ENCRYPTED | {"DEVELOPMENT": False, name: None}).items():
        setattr(settings, each, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        startup.refuse_plain_http()
