"""Markdown into safe sections, and two texts into their difference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.differences import changes
from policy.documents import document

TEXT = """# Title

Before all.

## {#cookies} Cookies & more

### {#K1} One cookie

It signs you in.

### No clause

- one
- two
"""


def test_a_text_becomes_sections_and_clauses() -> None:
    made = document(TEXT)
    assert made.title == "Title"
    assert [(s.anchor, s.title) for s in made.sections] == [("", ""), ("cookies", "Cookies & more")]
    assert [block.clause for block in made.sections[1].blocks] == ["K1", ""]
    assert made.sections[1].blocks[0].html == "<h3>One cookie</h3><p>It signs you in.</p>\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://tracker.example/pixel.png)",
        '<img src="https://tracker.example/" onerror="alert(1)">',
        "### {#K1} <b onclick='x'>heading</b>",
        "[x](data:text/html,<script>alert(1)</script>)",
    ],
)
def test_nothing_in_a_text_runs_or_loads(hostile: str) -> None:
    html = "".join(str(block.html) for s in document(hostile).sections for block in s.blocks)
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert "<b" not in html


def test_a_difference_names_the_clause_and_marks_the_words() -> None:
    new = TEXT.replace("It signs you in.", "It signs you in & out.").replace("- two\n", "- three\n")
    found = [(c.kind, c.clause, str(c.html)) for c in changes(TEXT, new) if c.kind != "same"]
    assert found[0][:2] == ("changed", "K1")
    assert "<ins> &amp; out</ins>" in found[0][2]
    assert {kind for kind, _clause, _html in found[1:]} == {"added", "removed"}


def test_the_same_text_has_no_difference() -> None:
    assert {change.kind for change in changes(TEXT, TEXT)} == {"same"}


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_have_a_difference_that_runs_nothing(old: str, new: str) -> None:
    for change in changes(old, new):
        assert "<script" not in change.html
    document(new)
