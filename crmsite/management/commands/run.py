"""Everything at once on one's own machine: what `make run` runs."""

import os
import signal
import time
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from accounts.models import Company
from crmsite import embedded, serving
from crmsite.databases import OWNER
from crmsite.supervision import Child, end, end_with_make, exit_on, is_taken
from orders.demo import loading

WATCH_INTERVAL = 0.5  # seconds


class Command(BaseCommand):
    has_demo = False
    help = "Migrate, load the demo into an empty database, serve and work, until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        # SIGINT by name: a shell has what it puts into the background ignore it.
        self.told = exit_on(signal.SIGTERM, signal.SIGINT, status=0)
        end_with_make()
        if is_taken(settings.PORT):
            raise CommandError(f"Port {settings.PORT} is taken. Another: PORT=8001 make run")
        self.prepare()
        children: list[Child] = []
        try:
            told = {"environment": as_the_web_role()}
            children.append(worker := Child("manage.py", "worker", **told))
            children.append(server := Child(*served_here(), **told))
            self.announce(server)
            self.watch(server, worker)
        finally:
            self.stdout.write("Ending …")
            end(children)

    def prepare(self) -> None:
        self.stdout.write("Preparing the database …")
        call_command("migrate", verbosity=0)
        call_command("publish_bundled")
        if settings.DEVELOPMENT:
            if loading.stands_still() or not Company.objects.using(OWNER).exists():
                self.stdout.write("Loading the demo companies …")
                call_command("demo", stdout=StringIO())
            self.has_demo = loading.is_whole()
        connections.close_all()  # from here on nothing of ours is the owner
        connections["default"].close_pool()  # type: ignore[attr-defined]  # PostgreSQL's have one

    def announce(self, server: Child) -> None:
        while not (self.told.is_set() or server.died or serving.answers(settings.PORT)):
            time.sleep(0.1)
        self.stdout.write(f"Covenant is at http://127.0.0.1:{settings.PORT} (Ctrl-C ends it)")
        if self.has_demo:
            call_command("demo", "--sign-ins", stdout=self.stdout)
        if settings.EMAIL_FILE_PATH:
            self.stdout.write(f"Letters, a new password's too, stay in {settings.EMAIL_FILE_PATH}/")

    def watch(self, server: Child, worker: Child) -> None:
        """Keep the database and the worker alive; until told to end."""
        while not self.told.is_set():
            if server.died:
                raise CommandError("The web server died.")
            if settings.EMBEDDED and not embedded.running(settings.VAR):
                self.stderr.write("PostgreSQL died and is started again.")
                embedded.start(settings.VAR)
            if worker.due:
                self.stderr.write("The worker died and is started again.")
                worker.start()
            time.sleep(WATCH_INTERVAL)


def served_here() -> tuple[str, ...]:
    return serving.gunicorn(
        f"--bind=127.0.0.1:{settings.PORT}", "--workers=2", "--graceful-timeout=3"
    )


def as_the_web_role() -> dict[str, str]:
    """The environment of what serves and works: nothing in it leads to the owner role."""
    environment = dict(os.environ)
    environment.pop("OWNER_DATABASE_URL", None)
    if settings.EMBEDDED:
        environment["DATABASE_URL"], _owner = embedded.addresses(settings.VAR)
    return environment
