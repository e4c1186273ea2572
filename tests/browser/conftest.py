"""One site and one Chromium for all tests of this folder. They end with it: Playwright leaves an
event loop running, beside which Django's database refuses to work."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from crmsite.chromium import running
from crmsite.sites import Site
from tests.browser import chromium
from tests.browser import site as product
from tests.browser.windows import Windows
from tests.databases import TestCluster

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on one of xdist's workers, given `--dist loadgroup`: so that only one site runs."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("browser")
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running(chromium.at_hand()) as browser:
        yield browser


@pytest.fixture(scope="package")
def site(browser: Browser, cluster: TestCluster) -> Iterator[Site]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with product.running(cluster, f"browser_{worker}") as site:
        yield site


@pytest.fixture(scope="package")
def _windows(browser: Browser, site: Site) -> Windows:
    return Windows(browser, site.address)


@pytest.fixture
def windows(_windows: Windows) -> Iterator[Windows]:
    """What a test opens is closed after it, and nobody may have had a complaint."""
    yield _windows
    assert _windows.close() == []


@pytest.fixture(scope="module")
def demo_anew(site: Site, _windows: Windows) -> None:
    """The demo as it is loaded: nobody has accepted anything, and every session has ended."""
    if _windows.sessions:
        site.manage("demo")
        _windows.forget()
