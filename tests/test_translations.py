"""Every word of the product is there in Russian, and what is compiled is what was written."""

import re
from io import BytesIO

import pytest
from babel.messages.mofile import read_mo

from crmsite import catalogs

pytestmark = pytest.mark.parametrize("language", catalogs.languages())


def key(message):
    return message.context, tuple(message.id) if message.pluralizable else message.id


def keys(messages):
    return {key(message) for message in messages if message.id}


def strings(catalog):
    return {key(message): message.string for message in catalog}


def test_nothing_is_untranslated_or_fuzzy(language):
    assert not keys(catalogs.untranslated(catalogs.kept(language)))


def test_the_catalogue_has_what_the_code_asks_for_and_nothing_else(language):
    """Where it does not: `manage.py translations`, then translate what it names."""
    assert keys(catalogs.kept(language)) == keys(catalogs.wanted())


def test_what_is_filled_in_at_run_time_keeps_its_place(language):
    faults = [
        (fault, message.id)
        for message, faults in catalogs.kept(language).check()
        for fault in faults
    ]
    assert not faults


def test_the_compiled_catalogue_is_the_one_that_was_written(language):
    written = read_mo(BytesIO(catalogs.compile_(catalogs.kept(language))))
    assert strings(catalogs.compiled(language)) == strings(written)


def test_no_word_has_two_endings_for_whoever_it_may_be_about(language):
    """As «посмотрел(а)»: there is a form that fits everybody."""
    bracketed = re.compile(r"\w\(\w{1,3}\)")
    said = {key: str(string) for key, string in strings(catalogs.kept(language)).items()}
    assert [string for string in said.values() if bracketed.search(string)] == []
