"""Icons for templates: `{% icon "phone" %}` in Django's, `icon("phone")` in Jinja2's.

The lucide wheel parses and serialises an icon's XML each time, some 35 microseconds; a page of
orders shows seventy. Icons never change, so each is rendered once per process.
"""

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language, get_language_info
from lucide.templatetags.lucide import lucide

register = template.Library()


@register.simple_tag
@cache
def icon(name: str, size: int = 16) -> str:
    """The lucide icon as inline SVG, hidden from screen readers: a word always stands beside it.

    `size` is in CSS pixels. Raises `lucide.IconDoesNotExist` for a name that lucide does not know.
    """
    return lucide(name, size=size, **{"class": "i", "aria-hidden": "true"})


@cache
def badge(tone: str, name: str, label: str) -> SafeString:
    """A status as templates/partials/badge.html marks it, written once for each."""
    return format_html('<span class="st s-{}">{}{}</span>', tone, icon(name), label)


@register.simple_tag
def jinja(name: str, **shown: Any) -> SafeString:
    """What Jinja2 makes of a template: for what is repeated, in an eighth of Django's time."""
    return mark_safe(render_to_string(name, shown, using="jinja2"))  # noqa: S308 - escaped there


class Language(NamedTuple):
    """`query` leads from a page to the same page in this language."""

    code: str
    name: str
    query: str


@register.simple_tag(takes_context=True)
def other_languages(context: template.Context) -> list[Language]:
    """Those that the page is not in."""
    query = context["request"].META["QUERY_STRING"]
    asked = [item for item in parse_qsl(query) if item[0] != "lang"]
    return [
        Language(code, name, f"?{urlencode([*asked, ('lang', code)])}")
        for code, name in _languages_besides(get_language())
    ]


@cache
def _languages_besides(current: str | None) -> list[tuple[str, str]]:
    return [
        (code, capfirst(get_language_info(code)["name_local"]))
        for code, _name in settings.LANGUAGES
        if code != current
    ]


@register.filter
def grouped(number: int) -> str:
    """The number with its thousands apart, as the language has it: "10,000"."""
    return number_format(number, force_grouping=True)


@register.filter
def moment(at: datetime, how: str = "DATETIME_FORMAT") -> SafeString:
    """A <time> in the time zone in force, which the page's foot names; for programs in ISO 8601."""
    local = timezone.localtime(at)
    shown = date_format(local, how)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), shown)


@register.filter
def day(at: datetime) -> SafeString:
    return moment(at, "DATE_FORMAT")
