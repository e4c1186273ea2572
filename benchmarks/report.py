"""What was measured, as a table and as `benchmarks/results/latest.json`."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True)
class Comparison:
    """`ours` and `other` are medians over rounds; `ratio` is ours to other, or, where `at_least`,
    what should be great."""

    name: str
    ours: float
    other: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    rounds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.ours / self.other

    @property
    def holds(self) -> bool:
        if self.goal is None:
            return True
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal


def interleaved(
    name: str, unit: str, rounds: int, ours: Callable[[], float], other: Callable[[], float],
    *, goal: float | None = None, at_least: bool = False,
) -> Comparison:  # fmt: skip
    """Measure both in turns, ours first in one round and last in the next; a machine that is busy
    with something else for a while is so for both."""
    figures: dict[str, list[float]] = {"ours": [], "other": []}
    for number in range(rounds):
        turns = [("ours", ours), ("other", other)]
        for side, measure in turns if number % 2 else reversed(turns):
            figures[side].append(measure())
    medians = {side: statistics.median(measured) for side, measured in figures.items()}
    return Comparison(name, **medians, unit=unit, goal=goal, at_least=at_least, rounds=figures)


def show(results: Sequence[Comparison]) -> bool:
    """Print the table; whether every goal holds."""
    width = max(len(result.name) for result in results)
    print(f"{'':{width}}  {'ours':>10} {'other':>10} {'':10} {'ratio':>6}  goal")
    for r in results:
        goal = "" if r.goal is None else f"{'≥' if r.at_least else '≤'} {r.goal:g}"
        mark = "" if r.goal is None else "holds" if r.holds else "BROKEN"
        print(
            f"{r.name:{width}}  {r.ours:10.3f} {r.other:10.3f} {r.unit:10} {r.ratio:6.2f}"
            f"  {goal:7} {mark}"
        )
    return all(result.holds for result in results)


def write(results: Sequence[Comparison], world: Any, rounds: int) -> None:
    rows = {
        "orders": world.orders,
        "companies": world.companies,
        "of the large company": world.large.orders,
        "of the small company": world.small.orders,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps(
            [
                {
                    **asdict(result),
                    "ratio": round(result.ratio, 3),
                    "holds": result.holds,
                    "rows": rows,
                }
                for result in results
            ],
            indent=1,
        )
        + "\n"
    )
