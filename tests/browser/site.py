"""The product as a stranger starts it, `manage.py run`, on a database of its own with the demo."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from crmsite import embedded
from crmsite.supervision import end_with_parent
from tests.databases import ROOT, TestCluster

PATIENCE = 60  # seconds until it must answer


class Site:
    def __init__(self, cluster: TestCluster, name: str) -> None:
        database = cluster.database(name)
        self.address = f"http://127.0.0.1:{(port := embedded.free_port())}"
        self.log = Path(os.environ["VAR"]) / f"{name}.log"
        self.environment = {
            **os.environ,
            "PORT": str(port),
            "DATABASE_URL": cluster.url(cluster.web, database),
            "OWNER_DATABASE_URL": cluster.url(cluster.owner, database),
        }

    def manage(self, *command: str) -> None:
        with self.log.open("a") as log:
            done = subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        assert done.returncode == 0, self.log.read_text()

    @contextmanager
    def running(self) -> Iterator[None]:
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            ) as process,  # fmt: skip
        ):
            try:
                self.wait_for(process)
                yield
            finally:
                process.terminate()

    def wait_for(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            late = time.monotonic() > deadline
            assert process.poll() is None and not late, self.log.read_text()
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.address}/healthz", timeout=2):
                return True
        except (URLError, OSError):
            return False


@contextmanager
def running(cluster: TestCluster, name: str) -> Iterator[Site]:
    """The demo's companies, served and worked for, until the block ends."""
    cluster.copy(name)
    site = Site(cluster, name)
    site.manage("demo")
    with site.running():
        yield site
