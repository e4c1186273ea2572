import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.telephones import InvalidTelephone, Telephone, parse, regions_in, runs_of_digits


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("8 (747) 293-76-14", "KZ", "+77472937614"),
        ("8 (747) 293-76-14", "Казахстан", "+77472937614"),
        ("7472937614", "kaz", "+77472937614"),
        ("007 747 293 76 14", "", "+77472937614"),
        ("8-10-7-747-293-76-14", "", "+77472937614"),
        ("8~10 375 29 799 81 70", "KZ", "+375297998170"),
        ("77472937614.0", "KZ", "+77472937614"),
        ("'+77472937614", "", "+77472937614"),
        ("８７４７２９３７６１４", "KZ", "+77472937614"),
        ("+٧٧٤٧٢٩٣٧٦١٤", "", "+77472937614"),
        ("+7\u200b747\u200b293 76 14\ufeff", "", "+77472937614"),
        ("8 747 293 76 14 доб. 12", "KZ", "+77472937614"),
        ("+7 747 293-76-14;ext=5", "", "+77472937614"),
        ("тел. 8 747 293 76 14", "KZ", "+77472937614"),
        ("8 747 293 76 I4", "KZ", "+77472937614"),
        ("+7 600 123 45 67", "KZ", "+76001234567"),
        ("+7(495)123-45-67", "", "+74951234567"),
        ("8 029 799 81 70", "Belarus", "+375297998170"),
        ("375297998170", "", "+375297998170"),
        ("0721 234 643", "Румыния", "+40721234643"),
        ("612 34 5540", "ES", "+34612345540"),
        ("02 1234 5678", "IT", "+390212345678"),
        ("011 40 721 234 643", "US", "+40721234643"),
        ("(916) 555-2671", "USA", "+19165552671"),
    ],
)
def test_one_number_has_one_form_however_it_is_spelled(text, country, e164):
    assert parse(text, country).e164 == e164


def test_the_region_is_the_numbers_own_not_the_hinted_one():
    assert parse("+375 29 799 81 70", "KZ") == Telephone("+375297998170", "BY", True)
    assert parse("8 916 123 45 67", "KZ").region == "RU"
    assert parse("8 707 196 96 51", "RU").region == "KZ"


def test_all_of_kazakhstans_numbers_are_valid_and_an_unknown_range_elsewhere_is_not():
    assert parse("+7 600 123 45 67").valid
    assert not parse("+375 99 799 81 70").valid


@pytest.mark.parametrize(
    ("text", "country", "part"),
    [
        ("", "KZ", "+7"),
        ("нет", "KZ", "+7"),
        ("12", "KZ", "+7"),
        ("747 293", "BY", "+375"),
        ("8 747 293 76 14 15 16", "KZ", "+7"),
        ("+7 747 293 76 14, +7 701 661 37 11", "KZ", "+7"),
        ("029 799 81 70", "", "country code"),
        ("029 799 81 70", "Narnia", "country code"),
        ("+0", "", "country code"),
        ("+999 123 456 789", "", "country code"),
        ("7.74729E+10", "KZ", "spreadsheet"),
        ("7,74729e10", "KZ", "spreadsheet"),
        ("7.7472937614E+10", "KZ", "spreadsheet"),
    ],
)
def test_a_refusal_says_what_would_be_right(text, country, part):
    with pytest.raises(InvalidTelephone, match=part.replace("+", r"\+")) as refusal:
        parse(text, country)
    assert not text or text not in str(refusal.value)


def test_a_text_with_several_numbers_points_to_each_country():
    assert regions_in("+7 747 293 76 14, +375 29 799 81 70") >= {"KZ", "BY"}
    assert regions_in("no number, 12 pieces") == frozenset()


@given(st.text(max_size=60), st.text(max_size=10))
def test_any_text_is_read_or_refused(text, country):
    regions_in(text, country)
    try:
        number = parse(text, country)
    except InvalidTelephone:
        return
    assert number.e164.startswith("+") and number.e164[1:].isascii() and number.e164[1:].isdigit()
    assert len(number.e164) <= 16


@given(st.from_regex(r"\+7[67]\d{9}", fullmatch=True))
def test_what_was_read_reads_the_same_again(text):
    once = parse(text)
    assert once.region == "KZ"
    assert parse(once.e164) == once == parse("8" + once.e164[2:], "KZ")


@pytest.mark.parametrize(
    "text",
    [
        "call 0721 234 643 after six",
        "0721\u200b234\u2060643",
        "\u202a+40 721\u2212234\u2212643\u202c",
        "0721_234_643",
        "0721·234·643 or",
        "0721\t234\t643",
        "٠٧٢١٢٣٤٦٤٣",
    ],
)
def test_a_number_is_known_again_in_a_text_however_it_is_parted(text):
    assert any("721234643" in run for run in runs_of_digits(text))
