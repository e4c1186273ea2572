"""Rate limits are counted in the cache: each test starts with none used up."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _nothing_counted():
    cache.clear()
