"""What MASTER_KEY spells, and that a wrong one is named without being shown."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from crmsite.masterkeys import spelled

OLD, NEW = b"o" * 32, b"n" * 32


def text(*keys: bytes) -> str:
    return ", ".join(base64.b64encode(key).decode() for key in keys)


def test_one_key_or_several_are_read_in_their_order():
    assert spelled(text(NEW)) == (NEW,)
    assert spelled(text(NEW, OLD)) == (NEW, OLD)


@pytest.mark.parametrize("wrong", ["", "secret", text(b"short"), text(b"l" * 33), "ключ"])
def test_the_first_that_is_none_is_named_by_its_place_and_not_shown(wrong: str):
    for given, place in ((wrong, "1 of 1"), (f"{text(NEW)},{wrong},{text(OLD)}", "2 of 3")):
        with pytest.raises(ImproperlyConfigured, match=f"number {place} is not") as refusal:
            spelled(given)
        assert refusal.value.__context__ is None
        assert not wrong or wrong not in str(refusal.value)
