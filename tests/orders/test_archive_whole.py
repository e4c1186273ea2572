"""An owner's archive holds all that the database holds of the company: counted, table by table, by
a stranger to the row rules, and searched for the secrets that nobody takes along."""

from __future__ import annotations

import base64
import hashlib
import zipfile

import psycopg
import pytest

from accounts import gate, heads, invitations
from accounts.models import Grant
from accounts.records import Record, every_record
from tests import access
from tests.orders.sending import key_of, send
from tests.orders.test_disclosures import receive
from tests.orders.test_exports import begun, built, rows, secret_of
from tests.orders.test_webhooks import trash, webhook_to
from tests.people import ann, as_, company
from tests.policy.test_drafts import _keep_aurora as keep_a_draft

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://hooks.example/leads"


@pytest.fixture
def secrets() -> list[bytes]:
    """Aurora does all that a company does: what its archive must not hold."""
    signing, key = webhook_to(URL), key_of()
    trash(send(key).json()["id"])
    assert send(key, external_id="L-2", country="RU").status_code == 422
    _grant, link = access.link()
    with as_(ann) as by:
        _invitation, invited = invitations.invite(by=by, email="new@aurora.example", role="agent")
    keep_a_draft(ann)
    receive()
    heads.keep()
    words = [word.encode() for word in (key, link, invited)]
    return [signing, *words, *(hashlib.sha256(word).digest() for word in words)]


def stored(record: Record, lookup: str, whose: int, superuser: psycopg.Connection) -> int:
    """How many rows there are, whoever may read them."""
    found = record.model._default_manager.filter(**{lookup: whose}).order_by()
    asked, said = found.values(lookup).query.sql_with_params()
    row = superuser.execute(f"SELECT count(*) FROM ({asked}) found", said).fetchone()
    assert row
    return int(row[0])


def test_no_row_of_the_companys_is_left_out(
    secrets: list[bytes], superuser: psycopg.Connection
) -> None:
    archive = built(ann, of_company=True)
    counts = {
        record.table: (
            len(rows(archive, f"company/{record.file_name}")),
            stored(record, record.of_company, company("aurora").pk, superuser),
        )
        for record in every_record()
        if record.of_company
    }
    assert {table for table, (taken, there) in counts.items() if taken != there} == set()
    assert {table for table, (_, there) in counts.items() if not there} == {
        "policy_announcement",  # of a version that waits for its day
        "policy_disclosureevent",  # nobody has approved
    }


def test_no_row_of_a_persons_own_is_left_out(
    secrets: list[bytes], superuser: psycopg.Connection
) -> None:
    archive = built(ann)
    for record in every_record():
        if record.of_user:
            taken = len(rows(archive, f"yours/{record.file_name}"))
            assert taken == stored(record, record.of_user, ann.user.pk, superuser) > 0


def test_links_are_read_past_their_company_within_ones_own_archive_alone() -> None:
    access.link()
    with as_(ann, "aurora") as by:
        gate.read_only()
        assert (by.company_id, Grant.objects.count()) == (company("aurora").pk, 1)
    with gate.carrying(secret_of(begun(ann))) as by:
        assert (by.company_id, Grant.objects.count()) == (None, 0)
    with gate.carrying(secret_of(begun(ann))):
        gate.read_only()
        assert [grant.made_by_id for grant in Grant.objects.all()] == [ann.user.pk]


def test_keys_and_webhooks_are_told_of_without_their_secrets(secrets: list[bytes]) -> None:
    archive = built(ann, of_company=True)
    [key] = rows(archive, "company/apikey")
    assert (key["name"], key["for_whom"], key["made_by"]) == ("Landing pages", "Pat", "Ann")
    [webhook] = rows(archive, "company/webhook")
    assert (webhook["url"], webhook["partner"], webhook["made_by"]) == (URL, "wm14", "Adam")
    [delivery] = rows(archive, "company/delivery")
    assert (delivery["webhook_id"], delivery["phase"]) == (webhook["id"], "trash")
    [grant] = rows(archive, "company/grant")
    assert (grant["reason"], grant["made_by"]) == ("The total is wrong", "Ann")
    assert all(not spellings(secret) & words(archive) for secret in secrets)


def spellings(secret: bytes) -> set[bytes]:
    coded = (base64.b64encode(secret), base64.urlsafe_b64encode(secret).rstrip(b"="))
    return {secret, secret.hex().encode(), *coded, *(b"whsec_" + each for each in coded)}


def words(archive: zipfile.ZipFile) -> set[bytes]:
    return {
        word
        for name in archive.namelist()
        for word in archive.read(name).replace(b'"', b" ").replace(b",", b" ").split()
    }
