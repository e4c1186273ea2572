"""The product as a stranger starts it, `manage.py run`, on a database of its own with the demo."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmsite.sites import Site
from tests.databases import TestCluster


@contextmanager
def running(cluster: TestCluster, name: str) -> Iterator[Site]:
    """The demo's companies, served and worked for, until the block ends."""
    cluster.copy(name)
    database = cluster.database(name)
    urls = {
        "DATABASE_URL": cluster.url(cluster.web, database),
        "OWNER_DATABASE_URL": cluster.url(cluster.owner, database),
    }
    site = Site({**os.environ, **urls}, Path(os.environ["VAR"]) / f"{name}.log")
    site.manage("demo")
    with site.running():
        yield site
