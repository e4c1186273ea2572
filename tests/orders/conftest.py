"""What several tests of orders stand on."""

from collections.abc import Iterator

import pytest

from tests.orders.receiving import Receiver, receiving


@pytest.fixture
def loopback(settings):
    """Webhooks may lead to this machine."""
    settings.WEBHOOKS_TO_LOOPBACK = True


@pytest.fixture
def partners_server(loopback) -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
