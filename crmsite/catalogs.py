"""The translations: which words the code and the templates ask for, and which `locale/` has.

gettext's own tools are not needed: Django turns templates into something like Python, Babel reads
Python, keeps the catalogues and compiles them. The compiled ones are committed, so that a clone
speaks every language before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

APPS = ("accounts", "crmsite", "orders", "policy")
HEADER = "# Covenant's words. `manage.py translations` keeps this file up to the code."

Places = tuple[int | tuple[int, str], ...]

KEYWORDS: dict[str, Places | None] = {
    "_": None,
    "_lazy": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


def languages() -> list[str]:
    """Those that are translated: English is what the code is written in."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def path(language: str, suffix: str = ".po") -> Path:
    folder: Path = settings.LOCALE_PATHS[0]
    return folder / language / "LC_MESSAGES" / f"django{suffix}"


def wanted() -> Catalog:
    """Every message that the code or a template asks for, with the files that ask."""
    catalog = Catalog(project="Covenant", charset="utf-8")
    for file in _sources():
        name = file.relative_to(settings.BASE_DIR).as_posix()
        for _line, message, comments, context in _messages(file):
            catalog.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    return catalog


def kept(language: str) -> Catalog:
    """What `locale/` has of a language; empty where it has none yet."""
    if not path(language).exists():
        return Catalog(locale=language, project="Covenant", header_comment=HEADER)
    with path(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(language: str) -> Catalog:
    with path(language, ".mo").open("rb") as file:
        return read_mo(file)


def bring_up_to_date(language: str) -> list[Message]:
    """Take up what is wanted, drop what is not, compile; return what has no translation."""
    catalog = kept(language)
    catalog.update(wanted(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    path(language).parent.mkdir(parents=True, exist_ok=True)
    with path(language).open("wb") as file:
        write_po(file, catalog, width=100, sort_output=False, include_lineno=False)
    path(language, ".mo").write_bytes(compile_(catalog))
    return untranslated(catalog)


def compile_(catalog: Catalog) -> bytes:
    made = BytesIO()
    write_mo(made, catalog)
    return made.getvalue()


def untranslated(catalog: Catalog) -> list[Message]:
    """Messages without a translation, with one of another English, or with a plural form short."""
    return [message for message in catalog if message.id and (_is_empty(message) or message.fuzzy)]


def _is_empty(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    return not all(strings)


def _sources() -> Iterator[Path]:
    for app in APPS:
        yield from sorted((settings.BASE_DIR / app).rglob("*.py"))
    yield from sorted((settings.BASE_DIR / "templates").rglob("*.*"))


def _messages(file: Path) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    source = file.read_text()
    if file.suffix != ".py":
        # What stands around the calls is blanked out, its indentation is not, and means nothing.
        source = "\n".join(line.strip() for line in templatize(source).splitlines())
    return extract("python", BytesIO(source.encode()), KEYWORDS, comment_tags=("Translators:",))
