#!/usr/bin/env python
"""The command line. A command finds a database at hand: DATABASE_URL's, or the embedded one."""

import os
import signal
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from crmsite import embedded, supervision


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")
    supervision.exit_on(signal.SIGTERM, status=128 + signal.SIGTERM)
    try:
        with embedded.at_hand(sys.argv[1:2]):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as reason:
        sys.exit(f"Covenant does not start. {reason}")


if __name__ == "__main__":
    main()
