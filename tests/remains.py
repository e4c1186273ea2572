"""What a stranger to the rules would find in this test's database: all of it."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg


def every_row(superuser_url: str) -> Iterator[str]:
    """All rows of all tables, as text, whoever may read them; as committed."""
    ours = urlsplit(os.environ["DATABASE_URL"]).path
    with psycopg.connect(urlunsplit(urlsplit(superuser_url)._replace(path=ours))) as superuser:
        tables = superuser.execute(
            "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace"
            " NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
        ).fetchall()
        assert len(tables) > 20
        for (table,) in tables:
            for (text,) in superuser.execute(f"SELECT t::text FROM {table} t"):
                yield text
