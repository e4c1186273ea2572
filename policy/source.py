"""Which code this is: what a proof was made of, and what the page compares with what it runs."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
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
    """The commit that is checked out, as git names it; "" where there is no repository. Read from
    git's files: what serves starts no program for it (clause T2)."""
    repository: Path = settings.BASE_DIR / ".git"
    try:
        head = (repository / "HEAD").read_text().strip()
        branch = head.removeprefix("ref: ")
        return head if branch == head else _tip(repository, branch)
    except OSError:
        return ""


def _tip(repository: Path, branch: str) -> str:
    """Raises OSError where neither a file of its own nor the packed ones tell."""
    own = repository / branch
    if own.exists():
        return own.read_text().strip()
    lines = (repository / "packed-refs").read_text().splitlines()
    return next((line.split()[0] for line in lines if line.endswith(f" {branch}")), "")


def _files() -> list[Path]:
    base: Path = settings.BASE_DIR
    return sorted(
        path
        for part in PARTS
        for path in (base / part).rglob("*")
        if path.is_file() and path.suffix not in IGNORED
    )
