"""What is said where there is no Chromium to drive the tests."""

import os

import pytest

from crmsite.chromium import MISSING, found


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
