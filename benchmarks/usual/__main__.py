"""`python -m benchmarks.usual ORDERS COMPANIES` fills the usual page's database.

A process of its own, since it has other settings.
"""

import sys

import django


def main(orders: int, companies: int) -> None:
    django.setup()
    from benchmarks.usual import loading  # its models need the apps

    loading.main(orders, companies)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
