import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.persons import Person, Term, phone_hash, query_hashes, search_hashes

AURORA, BOREALIS = b"a" * 32, b"b" * 32
ANNA = Person(
    name="Алёна Мария-Луиза Ли",
    phone="+77472937614",
    email="Anna.Li@Example.org",
    address="ш. Сенное, д. 1/3",
    city="Алматы",
    comment="перезвонить после 18:00",
    extra={"floor": "3"},
)

_text = st.text(max_size=30)
people = st.builds(
    Person,
    name=_text,
    phone=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True) | st.just(""),
    email=_text,
    address=_text,
    city=_text,
    comment=_text,
    extra=st.dictionaries(_text, _text, max_size=3),
)


def finds(text, person=ANNA, region="KZ", key=AURORA):
    """Whether a search for the text finds the person, as the database will answer it."""
    wanted = query_hashes(text, key, region)
    known = search_hashes(person, AURORA)
    return bool(wanted) and all(known & set(each) for each in wanted)


@given(people)
def test_a_person_survives_storing(person):
    assert Person.from_bytes(person.to_bytes()) == person


def test_only_filled_fields_are_stored():
    assert Person(name="Ann").to_bytes() == b'{"name":"Ann"}'
    assert Person().to_bytes() == b"{}"


@pytest.mark.parametrize("data", [b"", b"Anna", b"[1]", b'{"nick":"Anna"}', b"\xff", b"null"])
def test_other_bytes_are_refused_without_being_shown(data):
    with pytest.raises(ValueError) as refusal:
        Person.from_bytes(data)
    assert "Anna" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_person_never_shows_itself():
    assert "Anna" not in f"{ANNA} {ANNA!r}"
    with pytest.raises(ValueError, match=r"E\.164") as refusal:
        Person(phone="8 747 293 76 14")
    assert "747" not in str(refusal.value)


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+40721234643", "+40 ••• ••• 643"),
        ("+77472937614", "+7 ••• ••• • 614"),
        ("+375297998170", "+375 ••• ••• 170"),
        ("", ""),
    ],
)
def test_a_masked_number_keeps_its_country_and_three_digits(phone, masked):
    assert Person(phone=phone).masked_phone == masked


def test_a_number_with_nothing_to_mask_is_shown_and_breaks_no_list():
    short = Person(phone="+373221").glimpse(())
    assert (short.phone, short.masked_phone) == ("+373 221", "+373 221")


def test_a_hash_is_16_bytes_and_of_one_company_and_one_kind():
    hashes = search_hashes(ANNA, AURORA)
    assert {len(term.hash) for term in hashes} == {16}
    assert not hashes & search_hashes(ANNA, BOREALIS)
    same_value = Person(name="anna", email="anna")
    assert len({term.hash for term in search_hashes(same_value, AURORA)}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "+77472937614",
        "8 (747) 293-76-14",
        "7472937614",
        "77472937614",
        "7614",
        "37614",
        "293-76-14",
        "2937614",
        "anna.li@example.org",
        " ANNA.LI@EXAMPLE.ORG ",
        "Алёна",
        "алена",
        "АЛЁ",
        "Луиза Мария",
        "мар луи",
        "Ли",
        "Алёна 7614",
        "8 747 293 76 14 алёна",
        "anna.li@example.org, Ли",
    ],
)
def test_a_search_finds_the_person(text):
    assert finds(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "?", "761", "ал", "лена", "Алёна Борис", "Алёна 7615", "8 747 293 76 15",
        "anna", "anna.li@example.com", "Сенное", "Алматы", "18:00", "floor",
    ],
)  # fmt: skip
def test_a_search_for_anything_else_does_not(text):
    assert not finds(text)


def test_another_companys_key_finds_nobody():
    assert not finds("Алёна", key=BOREALIS)


def test_a_number_of_another_country_is_not_found_by_its_domestic_spelling():
    romanian = Person(phone="+40721234643")
    assert finds("0721 234 643", romanian, region="RO")
    assert finds("234643", romanian)


def test_a_long_word_is_found_by_its_beginning_or_whole():
    person = Person(name="Александровна")
    assert finds("александ", person) and finds("Александровна", person)
    assert not finds("Александровский", person)


def test_orders_of_one_number_share_a_hash():
    shared = phone_hash(ANNA.phone, AURORA)
    assert shared and Term("phone", shared) in search_hashes(ANNA, AURORA)
    assert phone_hash("", AURORA) is None


@given(st.from_regex(r"\+7[67][0-9]{9}", fullmatch=True))
def test_every_number_is_found_whole_and_by_its_ends(phone):
    person = Person(phone=phone)
    for typed in (phone, "8" + phone[2:], phone[-7:], phone[-5:], phone[-4:]):
        assert finds(typed, person)


@given(st.text(max_size=80), st.sampled_from(["", "KZ", "Narnia"]))
def test_any_text_may_be_searched(text, region):
    for each in query_hashes(text, AURORA, region):
        assert {len(term.hash) for term in each} == {16}


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("García Núñez", "garcia nunez"),
        ("Șerban Țepeș", "serban tepes"),
        ("Serban", "Șerban"),
        ("Łukasz Søren", "lukasz soren"),
        ("Γιώργος", "γιωργος"),
        ("Андрей", "андрей"),
        ("Алёна", "Алена"),
    ],
)
def test_a_name_is_found_with_its_accents_and_without(name, typed):
    assert finds(typed, Person(name=name)) and finds(name, Person(name=name))


def test_letters_that_differ_stay_apart():
    assert not finds("май", Person(name="маи"))
    assert not finds("андреи", Person(name="Андрей"))


def test_a_name_stored_with_its_accents_is_found_as_it_was():
    stored = {Term("name", hash_of("name", "garcía"))}
    assert all(stored & set(each) for each in query_hashes("García", AURORA))


def hash_of(kind, value):
    return hmac.digest(AURORA, f"{kind}\0{value}".encode(), "sha256")[:16]


def test_a_number_is_found_without_its_plus_and_as_it_is_dialled_in_its_own_country():
    spanish = Person(phone="+34647724180")
    assert finds("34647724180", spanish, region="RO")
    assert finds("647724180", spanish, region="RO")
    assert not finds("+40727724180", spanish, region="RO")


def test_who_may_not_search_by_ends_finds_whole_numbers_alone():
    ends = {"index_key": AURORA, "default_region": "RO", "phone_ends": False}
    assert query_hashes("4180", **ends) == [[]]
    wanted = query_hashes("34647724180", **ends)
    assert {term.kind for each in wanted for term in each} == {"phone"}
