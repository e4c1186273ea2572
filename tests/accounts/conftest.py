"""A superuser's eye, which sees every row."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest


@pytest.fixture
def superuser(superuser_url: str) -> Iterator[psycopg.Connection]:
    ours = urlsplit(os.environ["DATABASE_URL"]).path
    url = urlunsplit(urlsplit(superuser_url)._replace(path=ours))
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
