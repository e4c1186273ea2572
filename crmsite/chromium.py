"""A real browser: which Chromium there is, and how it is begun."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS: Final = (
    "--no-sandbox",  # root, as in a container, has no other way
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
MISSING: Final = "no Chromium: install it (apt install chromium), or name one in CHROMIUM"


def found() -> str | None:
    """Its path: CHROMIUM's, or the first there is."""
    if named := os.environ.get("CHROMIUM"):
        return named if Path(named).exists() else None
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@contextmanager
def running(path: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # not among what production installs

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
