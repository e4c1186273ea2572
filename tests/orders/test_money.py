from contextlib import suppress
from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from orders.money import InvalidAmount, currencies, currency_in, format_amount, parse_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("8900", "8900"),
        ("12 990,00", "12990.00"),
        ("12\u00a0990,00", "12990.00"),
        ("12\u202f990,00 ₸", "12990.00"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1'234.56", "1234.56"),
        ("49,5", "49.5"),
        ("49.90", "49.90"),
        ("₸8900", "8900"),
        ("€ 49,50", "49.50"),
        ("49,50 EUR", "49.50"),
        ("8 900 тг.", "8900"),
        ("руб. 49,5", "49.5"),
        ("1,234", "1234"),
        ("1.234", "1234"),
        ("1.234.567", "1234567"),
        ("12,34,567.50", "1234567.50"),
        ("0,125", "0.125"),
        ("1234,567", "1234.567"),
        ("8900.0", "8900.0"),
        ("49,-", "49"),
        ("-5,00", "-5.00"),
        ("−5", "-5"),
        ("１２９９０", "12990"),
        ("٤٩٫٥", "49.5"),
    ],
)
def test_an_amount_is_read_in_any_local_spelling(text, amount):
    assert parse_amount(text) == Decimal(amount)


def test_a_currency_of_three_decimals_takes_its_mark_for_a_decimal_one():
    assert parse_amount("1,234", "KWD") == Decimal("1.234")
    assert parse_amount("1,234", "KZT") == Decimal(1234)


@pytest.mark.parametrize(
    "text",
    [
        "", "free", "12 99", "1,23,4", "1.2.3", "10-20", "12 990 руб 50 коп", "1e5", "NaN", "--5",
        "1 2", "5%3", "=1+1", "1234567890123", "1,234,56",
    ],
)  # fmt: skip
def test_what_is_not_one_amount_is_refused(text):
    with pytest.raises(InvalidAmount):
        parse_amount(text)


@given(st.decimals("-999999999", "999999999", places=2), st.sampled_from(["en", "ru", "de", "pl"]))
def test_what_is_shown_reads_the_same_again(amount, language):
    with translation.override(language):
        assert parse_amount(format_amount(amount, "EUR")) == amount


@pytest.mark.parametrize(
    ("language", "currency", "shown"),
    [
        ("en", "RON", "RON\u00a01,199.00"),
        ("en", "EUR", "€1,199.00"),
        ("ru", "RON", "1\u00a0199,00\u00a0RON"),
        ("de", "CHF", "1.199,00\u00a0CHF"),
    ],
)
def test_letters_and_figures_do_not_touch(language, currency, shown):
    with translation.override(language):
        assert format_amount(Decimal(1199), currency) == shown
        assert format_amount(Decimal(-1199), currency).endswith(shown)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    currency_in(text)
    with suppress(InvalidAmount):
        assert parse_amount(text).is_finite()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("₸8900", "KZT"), ("49,50 eur", "EUR"), ("49,5", ""), ("$5", ""), ("5 abc", ""),
        ("BYN", "BYN"), ("5EUR", "EUR"), ("€5 USD", ""),
    ],
)  # fmt: skip
def test_a_currency_is_told_by_its_code_or_its_own_sign(text, code):
    assert currency_in(text) == code


def test_todays_currencies_are_listed_by_code():
    assert currencies()["KZT"] == "Kazakhstani Tenge"
    assert currencies("ru")["KZT"] == "казахский тенге"
    assert "DEM" not in currencies()
    assert list(currencies()) == sorted(currencies())
