"""The registry of records knows every table, and the page made of it is up to date."""

from __future__ import annotations

import psycopg
from django.conf import settings
from django.db.models import BinaryField

from accounts.records import Fate, Record, data_map, every_record

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def taken_along() -> list[Record]:
    return [record for record in every_record() if record.of_user or record.of_company]


def test_every_table_has_a_record_and_every_record_a_table(owner: psycopg.Connection) -> None:
    tables = {name for (name,) in owner.execute(TABLES).fetchall()}
    assert {record.table for record in every_record()} == tables


def test_the_data_map_is_what_the_registry_says() -> None:
    assert (settings.BASE_DIR / "docs/data-map.md").read_text() == data_map()


def test_no_column_of_bytes_is_taken_along_unopened() -> None:
    sealed = {
        (record.table, column.attname)
        for record in taken_along()
        for column in record.model._meta.concrete_fields
        if isinstance(column, BinaryField)
        and column.attname in record.columns
        and column.attname not in record.opens
    }
    assert sealed == set()


def test_each_file_of_an_export_has_a_name_of_its_own() -> None:
    names = [record.file_name for record in taken_along()]
    assert len(names) == len(set(names))


def test_whatever_belongs_to_a_company_says_what_becomes_of_it() -> None:
    unsaid = [
        record.table
        for record in every_record()
        if record.of_company and record.company is Fate.UNTOUCHED
    ]
    assert unsaid == []
