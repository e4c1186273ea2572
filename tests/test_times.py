"""Times are the company's, which each page says once, and no date can be read in two ways."""

from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.formats import date_format

from crmsite.look import moment
from tests.people import ann, boris, olga, sign_in

NOON = datetime(2026, 11, 9, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "time"),
    [("en", "9 Nov 2026", "9 Nov 2026, 14:05"), ("ru", "09.11.2026", "09.11.2026, 14:05")],
)
def test_no_month_can_be_taken_for_a_day(language, day, time):
    with translation.override(language), timezone.override("Europe/Bucharest"):
        local = timezone.localtime(NOON)
        assert {date_format(local, name) for name in ("DATE_FORMAT", "SHORT_DATE_FORMAT")} == {day}
        assert date_format(local, "DATETIME_FORMAT") == time
        assert moment(NOON) == f'<time datetime="2026-11-09T14:05:00+02:00">{time}</time>'


def test_a_time_inside_a_sentence_stays_a_time():
    told = Template(
        "{% load i18n look %}"
        "{% blocktranslate with at=at|moment %}At {{ at }}{% endblocktranslate %}"
    )
    assert told.render(Context({"at": NOON})).startswith('At <time datetime="2026-11-09T12:05:00')


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("someone", "address", "zone"),
    [
        (ann, "/orders/", "Europe/Bucharest"),
        (ann, "/orders/new/", "Europe/Bucharest"),
        (boris, "/orders/", "Asia/Almaty"),
        (olga, "/operator/policy/new/", "UTC"),
        (None, "/policy/versions/", "UTC"),
    ],
    ids=str,
)
def test_a_page_says_once_in_whose_time_it_speaks(client, someone, address, zone):
    if someone:
        sign_in(client, someone)
    assert client.get(address).content.decode().count(f"Times in {zone}") == 1
