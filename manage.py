#!/usr/bin/env python
"""The command line. Commands find a database at hand: the one DATABASE_URL names, or the embedded one, running."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")
    from django.core.management import execute_from_command_line

    from crmsite import embedded

    with embedded.at_hand(sys.argv[1:2]):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
