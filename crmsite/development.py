"""Safe values for a developer's machine: random once, then kept, so that restarts lose nothing."""

import base64
import json
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
LOOPBACK_DATABASES = ("localhost", "127.0.0.1", "::1")


def defaults(var: Path) -> dict[str, str]:
    """What DEBUG puts in the place of the settings that production must be given.

    The secrets are this data folder's own, never constants that a forgotten DEBUG could bring
    to a server.
    """
    kept = var / "secrets.json"
    if not kept.exists():
        keep(kept, {"SECRET_KEY": secrets.token_urlsafe(48), "MASTER_KEY": new_master_key()})
    return {**json.loads(kept.read_text()), "ALLOWED_HOSTS": ",".join(LOOPBACK_HOSTS)}


def new_master_key() -> str:
    """A random 256-bit key in base64, the form MASTER_KEY is given in."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def keep(path: Path, values: dict[str, object] | dict[str, str]) -> None:
    """Write values as JSON that nobody else can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(values, file, indent=2)
    fresh.replace(path)


def mail_folder(var: Path) -> Path:
    """Where letters are kept in place of being sent. They hold links to new passwords, so nobody
    else can read them."""
    folder = var / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # one that was there already, too
    return folder


def refuse_a_server(hosts: list[str], database_host: str) -> None:
    """DEBUG is for one's own machine: stop where the settings speak of any other."""
    for host in hosts:
        if host not in LOOPBACK_HOSTS:
            raise ImproperlyConfigured(
                f"DEBUG=1 with {host!r} in ALLOWED_HOSTS: DEBUG serves only this machine."
            )
    if database_host not in LOOPBACK_DATABASES:
        raise ImproperlyConfigured(
            f"DEBUG=1 with DATABASE_URL at {database_host!r}: DEBUG uses only this machine's."
        )
