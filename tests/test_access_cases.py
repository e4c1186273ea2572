"""docs/access-cases.md says by which tests each case is shown: each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MAP = (HERE.parent / "docs/access-cases.md").read_text()
CASES = re.findall(r"^(\d+)\. (.+?)(?=^\d+\. |\Z)", MAP, re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
PLACE = re.compile(r"^ +- (SQL and HTTP|(?:SQL|HTTP)(?: alone)?)\b", re.MULTILINE)


@cache
def named_in(path: str) -> frozenset[str]:
    module = ast.parse((HERE / path).read_text())
    return frozenset(each.name for each in module.body if isinstance(each, ast.FunctionDef))


def test_every_case_is_there_once_and_in_order() -> None:
    assert [int(number) for number, _ in CASES] == list(range(1, 51))


@pytest.mark.parametrize(("number", "said"), CASES, ids=[number for number, _ in CASES])
def test_each_case_names_tests_that_exist(number: str, said: str) -> None:
    named = NAMED.findall(said)
    assert named
    assert [name for path, name in named if name not in named_in(path)] == []


@pytest.mark.parametrize(("number", "said"), CASES, ids=[number for number, _ in CASES])
def test_each_case_is_shown_in_sql_and_over_http_or_in_one_alone(number: str, said: str) -> None:
    assert PLACE.findall(said) in (["SQL", "HTTP"], ["SQL and HTTP"], ["SQL alone"], ["HTTP alone"])
