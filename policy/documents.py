"""A policy's Markdown as safe HTML, in sections and clauses.

The first heading is the title; `##` opens a section, `###` a block. A heading may begin with its
id: `### {#T4} …` is the clause T4, `## {#cookies} …` a section's anchor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from typing import Any, Final

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

MARK: Final = re.compile(r"\{#([A-Za-z][A-Za-z0-9-]*)\}\s*")
CLAUSE: Final = re.compile(r"[A-Z]\d+")
TAGS: Final = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "strong", "em", "a",
    "code", "pre", "hr", "br", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@dataclass
class Block:
    clause: str = ""
    html: SafeString = field(default_factory=SafeString)


@dataclass
class Section:
    anchor: str = ""
    title: str = ""
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Document:
    title: str = ""
    sections: list[Section] = field(default_factory=list)


@dataclass(frozen=True)
class Passage:
    """One heading, paragraph or item of a list: what two versions are compared by."""

    clause: str
    tag: str
    text: str
    html: SafeString


@lru_cache(maxsize=64)
def document(body: str) -> Document:
    made, section = Document(), Section()
    environment: dict[str, Any] = {}
    made.sections.append(section)
    for heading, tokens in _parts(_markdown.parse(body, environment)):
        mark, title = _heading(heading)
        if heading is not None and heading.tag == "h1":
            made.title = title
        elif heading is not None and heading.tag == "h2":
            section = Section(mark or f"section-{len(made.sections)}", title)
            made.sections.append(section)
        html = _markdown.renderer.render(tokens, _markdown.options, environment)
        if heading is not None and heading.tag == "h3":
            html = f"<h3>{escape(title)}</h3>{html}"
        if html:
            section.blocks.append(Block(mark if CLAUSE.fullmatch(mark) else "", _safe(html)))
    if not made.sections[0].blocks:
        del made.sections[0]
    return made


def passages(body: str) -> list[Passage]:
    """The text in its smallest whole pieces, each with the clause that it stands in."""
    found: list[Passage] = []
    clause, around = "", [Token("", "", 0)]
    for token in _markdown.parse(body, {}):
        if token.nesting == 1:
            around.append(token)
        elif token.nesting == -1:
            around.pop()
        elif token.type in ("inline", "fence", "code_block"):
            tag = _tag(around)
            mark, text = _unmarked(token.content)
            if tag in ("h1", "h2", "h3"):
                clause = mark if CLAUSE.fullmatch(mark) else ""
            html = _safe(_markdown.renderInline(text))
            found.append(Passage(clause, tag, unescape(nh3.clean(html, tags=set())), html))
    return found


def _tag(around: list[Token]) -> str:
    """The element that a piece of text is in: a list's item rather than the paragraph in it."""
    tags = [token.tag for token in around]
    return "li" if "li" in tags else tags[-1] or "p"


def _parts(tokens: list[Token]) -> Iterator[tuple[Token | None, list[Token]]]:
    """Each heading of the first three levels with what follows it; None for what precedes all."""
    heading: Token | None = None
    part: list[Token] = []
    inside = False
    for token in tokens:
        if token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2", "h3"):
            yield heading, part
            heading, part, inside = token, [], True
        elif inside:
            assert heading is not None
            heading.content += token.content
            inside = token.type != "heading_close"
        else:
            part.append(token)
    yield heading, part


def _heading(heading: Token | None) -> tuple[str, str]:
    return _unmarked(heading.content) if heading else ("", "")


def _unmarked(content: str) -> tuple[str, str]:
    """The id that a heading begins with, or "", and its words."""
    found = MARK.match(content)
    return (found[1], content[found.end() :]) if found else ("", content)


def _safe(html: str) -> SafeString:
    return mark_safe(nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES))  # noqa: S308  (nh3 made it safe)
