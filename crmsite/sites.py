"""The product as a stranger starts it, in a process of its own: for proofs, and for tests."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from django.conf import settings

from crmsite import embedded, serving
from crmsite.supervision import end_with_parent

PATIENCE = 180  # seconds until it must answer, on a machine that is busy
NAMED_OTHERWISE = {"DATABASE_URL", "OWNER_DATABASE_URL", "SECRET_KEY", "MASTER_KEY", "MAKELEVEL"}


class Site:
    """A site of this code under an environment of its own; what it says goes to `log`."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = embedded.free_port()
        self.environment = {**environment, "PORT": str(self.port)}
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log

    def manage(self, *command: str) -> str:
        """Run a command of manage.py to its end; what it wrote. Raises RuntimeError."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        with self.log.open("a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode:
            raise RuntimeError(f"manage.py {command[0]}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def running(self) -> AbstractContextManager[None]:
        """Have everything `make run` starts, while the block lasts."""
        return self._during("manage.py", "run")

    def serving(self) -> AbstractContextManager[None]:
        """Have what is set up already served while the block lasts, and nothing else."""
        return self._during(*serving.gunicorn(f"--bind=127.0.0.1:{self.port}"))

    @contextmanager
    def _during(self, *command: str) -> Iterator[None]:
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                [sys.executable, *command],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            ) as process,
        ):
            try:
                self._wait_for(process)
                yield
            finally:
                process.terminate()

    def _wait_for(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not serving.answers(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The site did not start:\n{self.log.read_text()}")
            time.sleep(0.1)


@contextmanager
def throwaway() -> Iterator[Site]:
    """A system of its own from the same code, with the demo's people, gone after the block."""
    var = Path(tempfile.mkdtemp(prefix="covenant-copy-"))
    kept = {name: value for name, value in os.environ.items() if name not in NAMED_OTHERWISE}
    site = Site(
        {**kept, "DEBUG": "1", "VAR": str(var), "METRICS_TOKEN": secrets.token_hex()},
        var / "site.log",
    )
    try:
        embedded.start(var, throwaway=True)
        with site.running():
            yield site
    finally:
        embedded.remove(var)
