"""The way to the site: TLS, and what plain HTTP is answered."""

from __future__ import annotations

import re
from ssl import TLSVersion
from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.proving import Broken, Figures, System, Untried, proves
from crmsite import proxies
from crmsite.startup import A_YEAR


@proves(
    "T5",
    tried=_(
        "Started the site as production does behind the shipped proxy configuration and shook "
        "hands: TLS 1.0 and 1.1 were refused, 1.2 and 1.3 agreed on. Asked %(plain)s addresses "
        "over plain HTTP: nothing but the redirect. Over HTTPS %(pages)s pages told the browser to "
        "use nothing else for a year, and the cookie travels encrypted only."
    ),
)
def nothing_travels_in_the_clear(system: System) -> Figures:
    if not proxies.found():
        raise Untried("it needs caddy, the proxy that the shipped configuration is for")
    with proxies.proxied() as proxy:
        look_at_handshakes(proxy.https)
        for path in PLAIN:
            look_at_plain_http(proxy, path)
        for path in ENCRYPTED:
            look_at_https(proxy, path)
    return {"plain": len(PLAIN), "pages": len(ENCRYPTED)}


PLAIN: Final = ("/", "/login/", "/healthz", "/metrics", "/static/css/app.css", "/nowhere/")
ENCRYPTED: Final = ("/", "/login/", "/privacy/", "/favicon.ico", "/nowhere/")
HANDSHAKES: Final = {
    TLSVersion.TLSv1: "",
    TLSVersion.TLSv1_1: "",
    TLSVersion.TLSv1_2: "TLSv1.2",
    TLSVersion.TLSv1_3: "TLSv1.3",
}


def look_at_handshakes(port: int) -> None:
    for version, expected in HANDSHAKES.items():
        if (agreed := proxies.handshake(port, version)) != expected:
            raise Broken(f"{version.name} alone agrees on {agreed or 'nothing'}")


def look_at_plain_http(proxy: proxies.Proxy, path: str) -> None:
    answer = proxy.get(path, port=proxy.http)
    there = answer.headers.get("location")
    if (answer.status, there, answer.body) != (308, f"https://{proxies.NAME}{path}", ""):
        raise Broken(f"plain HTTP answers {path} with {answer.status}, not with the redirect alone")


def look_at_https(proxy: proxies.Proxy, path: str) -> None:
    headers = proxy.get(path).headers
    if int((LASTS.search(headers.get("strict-transport-security", "")) or [0, 0])[1]) < A_YEAR:
        raise Broken(f"{path} does not tell browsers to stay with HTTPS")
    cookie = headers.get("set-cookie", "")
    if cookie and not (cookie.startswith("__Host-") and "; Secure" in cookie):
        raise Broken(f"{path} sets a cookie that may travel in the clear")


LASTS: Final = re.compile(r"max-age=(\d+)")
