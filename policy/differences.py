"""What a version changed: passage by passage, and within a changed one word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from policy.documents import Passage, passages

WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")
ALIKE: Final = 0.4  # passages that share less were replaced, not changed


@dataclass(frozen=True)
class Change:
    """`kind` is "same", "added", "removed" or "changed"."""

    kind: str
    clause: str
    html: SafeString


def changes(old: str, new: str) -> list[Change]:
    """All of the new text in its order, with what was taken out of the old in its place."""
    before, after = passages(old), passages(new)
    matcher = SequenceMatcher(
        None, [(p.tag, p.html) for p in before], [(p.tag, p.html) for p in after], autojunk=False
    )
    found: list[Change] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            found.extend(Change("same", p.clause, _in_place(p, p.html)) for p in after[c:d])
        else:
            found.extend(_replaced(before[a:b], after[c:d]))
    return found


def changed(old: str, new: str) -> list[Change]:
    """Only what differs."""
    return [change for change in changes(old, new) if change.kind != "same"]


def _replaced(before: list[Passage], after: list[Passage]) -> Iterator[Change]:
    for old, new in zip_longest(before, after):
        if old and new and SequenceMatcher(None, old.text, new.text).ratio() >= ALIKE:
            yield Change("changed", new.clause, _in_place(new, _words(old.text, new.text)))
            continue
        if old:
            yield Change(
                "removed", old.clause, _in_place(old, format_html("<del>{}</del>", old.html))
            )
        if new:
            yield Change(
                "added", new.clause, _in_place(new, format_html("<ins>{}</ins>", new.html))
            )


def _in_place(passage: Passage, html: SafeString) -> SafeString:
    """Inside its heading, list or paragraph."""
    if passage.tag == "li":
        return format_html("<ul><li>{}</li></ul>", html)
    tag = passage.tag if passage.tag in ("h2", "h3", "h4") else "p"
    return format_html("<{0}>{1}</{0}>", tag, html)


def _words(old: str, new: str) -> SafeString:
    before, after = WORDS.findall(old), WORDS.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return format_html_join(
        "",
        "{}",
        (
            (piece,)
            for kind, a, b, c, d in matcher.get_opcodes()
            for piece in _marked(kind, "".join(before[a:b]), "".join(after[c:d]))
        ),
    )


def _marked(kind: str, old: str, new: str) -> Iterator[SafeString | str]:
    if kind == "equal":
        yield new
        return
    if old:
        yield format_html("<del>{}</del>", old)
    if new:
        yield format_html("<ins>{}</ins>", new)
