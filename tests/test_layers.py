"""Imports run crmsite -> orders -> policy -> accounts, never back; so does what migrations need."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("accounts", "policy", "orders", "crmsite")  # the lowest first


def imported(path: Path) -> Iterator[str]:
    """The packages a module imports, inside functions and as migrations' dependencies too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Tuple) and path.parent.name == "migrations":
            first = node.elts[0] if node.elts else None
            if isinstance(first, ast.Constant):
                yield str(first.value)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_nothing_from_above(layer: str) -> None:
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    wrong = [
        (str(path.relative_to(ROOT)), package)
        for path in (ROOT / layer).rglob("*.py")
        for package in imported(path)
        if package in above
    ]
    assert wrong == []


def test_the_top_level_holds_no_other_package() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests", "benchmarks"} == set(LAYERS)
