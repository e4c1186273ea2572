"""How the site is served: what starts it, and whether it answers."""

from __future__ import annotations

from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings

APPLICATION: Final = "crmsite.wsgi"


def gunicorn(*options: str, application: str = APPLICATION) -> tuple[str, ...]:
    """What follows `python` to have it served as `deploy/` does, with these options besides."""
    shipped = settings.BASE_DIR / "deploy" / "gunicorn.conf.py"
    return ("-m", "gunicorn", application, f"--config={shipped}", "--log-level=warning", *options)


def answers(port: int) -> bool:
    """Whether a site is alive on that port of this machine."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return True
    except (URLError, OSError):
        return False
