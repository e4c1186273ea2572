"""Icons for templates: `{% icon "phone" %}` in Django's, `icon("phone")` in Jinja2's.

The lucide wheel parses and serialises an icon's XML each time, some 35 microseconds; a page of
orders shows seventy. Icons never change, so each is rendered once per process.
"""

from datetime import datetime
from functools import cache

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
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
