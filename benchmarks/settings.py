"""The site's own settings, as in production, with the collected files in the data folder."""

from crmsite.settings import *  # noqa: F403
from crmsite.settings import VAR

STATIC_ROOT = VAR / "static"
