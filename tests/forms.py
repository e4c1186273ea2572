"""The forms of a page, with what a browser would send of them untouched."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """`action` is "" where it is sent to the page itself."""

    action: str
    posts: bool
    fields: dict[str, str] = field(default_factory=dict)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, Form] = {}
        self.within = ""
        self.select = self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.within = told.get("id") or f"form {len(self.forms)}"
            form = Form(told.get("action", ""), told.get("method", "").lower() == "post")
            self.forms[self.within] = form
        elif tag == "option":
            if self.select and ("selected" in told or not self._value(self.select)):
                self._set(self.select, told.get("value", ""))
        elif name := told.get("name"):
            self.within = told.get("form") or self.within
            self._set(name, told.get("value", ""))
            if tag == "select":
                self.select = name
            elif tag == "textarea":
                self.area = name

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.within = ""
        elif tag == "select":
            self.select = ""
        elif tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self._set(self.area, self._value(self.area) + data)

    def _value(self, name: str) -> str:
        return self.forms[self.within].fields.get(name, "") if self.within in self.forms else ""

    def _set(self, name: str, value: str) -> None:
        if self.within in self.forms:
            self.forms[self.within].fields[name] = value


def forms_of(html: str) -> list[Form]:
    parser = _Parser()
    parser.feed(html)
    return list(parser.forms.values())
