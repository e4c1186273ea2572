"""What the documents name is there: addresses and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from tests.test_addresses import GETS

README = settings.BASE_DIR / "README.md"
DOCUMENTS = [README, *sorted((settings.BASE_DIR / "docs").rglob("*.md"))]
ADDRESS = re.compile(r"`(/(?:[a-z0-9<][\w<>/.-]*)?)(?:\?[^`]*)?`")
PLACE = re.compile(r"<[^>]*>")
OURS = ("accounts", "policy", "orders", "crmsite")


def shape(address: str) -> str:
    """The address without what its places are called."""
    return PLACE.sub("<>", address.removeprefix("/"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_address_that_a_document_names_is_there(document: Path) -> None:
    named = {shape(address) for address in ADDRESS.findall(document.read_text())}
    assert named - {shape(address) for address in GETS} == set()


def test_the_readme_leads_everybody_somewhere() -> None:
    named = {shape(address) for address in ADDRESS.findall(README.read_text())}
    assert {"", "policy/proofs/", "company/buyers/retention/", "operator/", "metrics"} <= named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_a_document_names_is_there(document: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", document.read_text()))
    assert named - get_commands().keys() == set()


def test_the_readme_names_every_command_of_ours() -> None:
    ours = {name for name, app in get_commands().items() if app in OURS}
    assert ours - set(re.findall(r"manage\.py ([a-z_]+)", README.read_text())) == set()
