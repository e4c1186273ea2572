"""Which Chromium drives the tests, and what is said where there is none."""

import os
import shutil
from pathlib import Path

import pytest

FLAGS = (
    "--no-sandbox",  # root, as in a container, has no other way
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
MISSING = "no Chromium: install it (apt install chromium), or name one in CHROMIUM"


def found() -> str | None:
    """Its path: CHROMIUM's, or the first there is."""
    if named := os.environ.get("CHROMIUM"):
        return named if Path(named).exists() else None
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def at_hand() -> str:
    """Its path. Without one the test is skipped; in CI, which installs it, it fails."""
    if path := found():
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


def say_if_missing(reporter: pytest.TerminalReporter) -> None:
    """A skipped test is easily overlooked; a line of this size is not."""
    if not found():
        reporter.section("BROWSER TESTS DID NOT RUN", red=True, bold=True)
        reporter.line(MISSING, red=True)
