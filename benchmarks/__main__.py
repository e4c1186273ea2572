"""`python -m benchmarks`: sets everything up on a throw-away cluster, measures, and tells.

BENCH_ORDERS (1,000,000), BENCH_COMPANIES (2,000) and BENCH_ROUNDS (7) set the size.
"""

import os
import sys
import time

from benchmarks import cluster


def main() -> int:
    began = time.monotonic()
    with cluster.running() as servers:
        cluster.prepare(servers)
        from benchmarks import loading, pages, queries, report, statements  # Django is set up now

        world = loading.load(servers)
        say(f"loaded {world.orders:,} orders of {world.companies:,} companies", began)
        rounds = int(os.environ.get("BENCH_ROUNDS", "7"))
        results = statements.count(world)
        results += queries.compare(servers, world, rounds)
        say("compared the queries", began)
        results += pages.compare(servers, world, rounds)
        say("compared the pages", began)
        report.write(results, world, rounds)
    return 0 if report.show(results) else 1


def say(what: str, began: float) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
