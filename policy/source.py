"""Which code this is: what a proof was made of, and what the page compares with what it runs."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from subprocess import DEVNULL, SubprocessError, check_output
from typing import Final

from django.conf import settings

PARTS: Final = (
    "accounts", "crmsite", "orders", "policy", "templates", "static", "requirements", "deploy",
)  # fmt: skip
IGNORED: Final = {".pyc", ".po", ".mo"}  # a translation changes no mechanism


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """The first 16 hex digits of a SHA-256 over every file that makes the product, as this process
    found them when it first asked."""
    digest = hashlib.sha256()
    for path in _files():
        name = path.relative_to(settings.BASE_DIR).as_posix()
        digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit that is checked out, as git names it; "" where there is no repository."""
    try:
        said = check_output(  # the PATH's git, as every developer's tool does
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            cwd=settings.BASE_DIR,
            text=True,
            stderr=DEVNULL,
        )
    except (OSError, SubprocessError):
        return ""
    return said.strip()


def _files() -> list[Path]:
    base: Path = settings.BASE_DIR
    return sorted(
        path
        for part in PARTS
        for path in (base / part).rglob("*")
        if path.is_file() and path.suffix not in IGNORED
    )
