"""The disclosure register through its pages: an operator's, the company's and everybody's."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from orders import packages
from policy.disclosures import Disclosure
from policy.stopped import FORM
from tests.factors import password_sign_in, set_up
from tests.orders.test_disclosures import approve, receive, secret
from tests.people import (
    PASSWORD,
    Someone,
    ann,
    as_,
    bea,
    company,
    gail,
    grow_stale,
    olga,
    otto,
    sign_in,
)

pytestmark = pytest.mark.django_db

REGISTER = "/operator/disclosures/"


def client_of(someone: Someone) -> Client:
    return sign_in(Client(), someone)


def enter(client: Client, **said: Any) -> HttpResponse:
    document = SimpleUploadedFile("order.pdf", b"%PDF the order of the court")
    given = {
        "company": company("aurora").pk,
        "authority": "District court of Cluj",
        "legal_basis": "Code of Criminal Procedure, art. 7",
        "orders": "1, 2",
        "document": document,
    }
    return client.post(REGISTER, given | said)


def stored() -> Disclosure:
    with as_(olga):
        return Disclosure.objects.listed().get()


def act(someone: Someone, deed: str, **said: str) -> HttpResponse:
    return client_of(someone).post(f"{REGISTER}{stored().id}/{deed}/", said)


def test_from_the_request_to_the_sealed_file() -> None:
    assert enter(client_of(olga)).status_code == 302
    for somebody in (olga, otto):
        assert act(somebody, "approval").status_code == 302
    made = act(otto, "package")
    passphrase = re.search(r"<code>([a-z0-9-]+)</code>", made.text)[1]
    assert "no-store" in made["Cache-Control"]
    taken = act(otto, "file")
    content = json.loads(packages.unseal(taken.content, passphrase))
    assert [order["number"] for order in content["orders"]] == [1]
    assert content["missing"] == [2]
    assert act(olga, "file").status_code == 302  # and says that it has been taken


DOCS = Path(__file__).parents[2] / "docs/opening-a-package.md"


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_the_package_opens_with_openssl_alone_as_the_page_and_the_docs_say(tmp_path: Path) -> None:
    enter(client_of(olga))
    act(olga, "approval")
    made = act(otto, "approval") and act(otto, "package")
    passphrase = re.search(r"<code>([a-z0-9-]+)</code>", made.text)[1]
    page = client_of(otto).get(f"{REGISTER}{stored().id}/").text
    (tmp_path / f"disclosure-{stored().id}.sealed").write_bytes(act(otto, "file").content)
    shown = re.search(r'id="with-openssl"[^>]*>(.+?)</pre>', page, re.DOTALL)
    commands = html.unescape(shown[1])
    subprocess.run(
        ["sh", "-ec", commands], cwd=tmp_path, input=f"{passphrase}\n", text=True, check=True
    )
    content = json.loads((tmp_path / "orders.json").read_bytes())
    assert [order["number"] for order in content["orders"]] == [1]
    documented = textwrap.indent(commands.replace(str(stored().id), "…"), "    ")
    assert documented in DOCS.read_text()


def test_the_program_that_goes_along_opens_it_by_itself(tmp_path: Path) -> None:
    program = client_of(olga).get(f"{REGISTER}opener/")
    (tmp_path / "packages.py").write_bytes(program.content)
    (tmp_path / "it.sealed").write_bytes(packages.seal(b"{}", "a passphrase"))
    code = "import packages as p; print(p.unseal(open('it.sealed', 'rb').read(), 'a passphrase'))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.strip() == "b'{}'"


@pytest.mark.django_db(transaction=True)
def test_an_approval_asks_for_the_second_factor_anew(owner: psycopg.Connection) -> None:
    """And is done after the proof, as it was sent."""
    receive()
    client = Client()
    password_sign_in(client, olga)
    app = set_up(client)
    grow_stale(owner)
    approval = f"{REGISTER}{stored().id}/approval/"
    stopped = client.post(approval, "sent=now", content_type=FORM)
    assert stopped.status_code == 307
    assert stopped["Location"].startswith("/account/confirmation/factor/?")
    held = {"send": approval}
    for wrong in ({"code": "000000"}, {"password": PASSWORD}, {"code": ""}):
        sent = {f"proof-{name}": value for name, value in wrong.items()}
        assert client.post(stopped["Location"], held | sent).status_code in (200, 422)
        assert stored().approvers == []
    on = client.post(stopped["Location"], held | {"proof-code": app.code()})
    assert (on.status_code, on["Location"]) == (307, approval)
    assert client.post(approval, held).status_code == 302
    assert [approver.email for approver in stored().approvers] == [olga.email]


def test_one_operator_alone_gets_no_package_by_any_form() -> None:
    receive()
    for _twice in range(2):
        act(olga, "approval")
    for deed in ("package", "file"):
        assert act(olga, deed).status_code == 302
    assert len(stored().approvers) == 1 and stored().outcome is None


def test_a_refusal_needs_a_reason_and_is_said() -> None:
    receive()
    assert act(otto, "refusal", reason="").status_code == 422
    act(otto, "refusal", reason="It names no court.")
    assert "It names no court." in client_of(ann).get("/company/disclosures/").text


def test_the_document_comes_back_to_operators() -> None:
    enter(client_of(olga))
    answer = client_of(otto).get(f"{REGISTER}{stored().id}/document/")
    assert answer.content == b"%PDF the order of the court"


@pytest.mark.parametrize(
    "wrong",
    [
        {"orders": "1, all"},
        {"orders": "0"},
        {"orders": ", "},
        {"company": ""},
        {"document": ""},
        {"secrecy_ground": "art. 9"},
        {"secret_until": "2999-01-01"},
        {"secret_until": "2001-01-01", "secrecy_ground": "art. 9"},
    ],
)
def test_a_request_that_says_too_little_is_not_entered(wrong: dict[str, str]) -> None:
    assert enter(client_of(olga), **wrong).status_code == 422
    with as_(olga):
        assert not Disclosure.objects.exists()


def test_a_company_reads_its_own_and_no_secret_ones() -> None:
    receive()
    receive(**secret())
    page = client_of(ann).get("/company/disclosures/").text
    assert page.count("District court of Cluj") == 1
    assert "District court" not in client_of(bea).get("/company/disclosures/").text
    assert client_of(gail).get("/company/disclosures/").status_code == 403


def test_everybody_reads_the_count_and_nothing_else() -> None:
    receive(**secret())
    approve(receive(), olga, otto)
    page = Client().get("/policy/disclosures/", headers={"Accept": "application/json"}).json()
    assert [(year["received"], year["open"]) for year in page["years"]] == [(2, 2)]
    assert "Cluj" not in Client().get("/policy/disclosures/").text
