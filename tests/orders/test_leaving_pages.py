"""Leaving through the pages, with nothing accepted (clause R1)."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.test import Client

from accounts import gate
from accounts.models import Company, User
from orders import exports
from orders.models import Closure, Export
from tests.orders.test_exports import publish_anew, secret_of
from tests.people import PASSWORD, adam, ann, as_, boris, gail, newt, sign_in

pytestmark = pytest.mark.django_db


def test_who_declines_finds_the_ways_out():
    page = sign_in(Client(), newt).get("/decline/").text
    assert "/account/data/" in page and "/account/deletion/" in page
    assert "/company/closure/" not in page


def test_who_declines_takes_data_along():
    client = sign_in(Client(), newt)
    there = client.post("/account/data/", {"of": "me"})
    with as_(newt):
        run = Export.objects.get()
    assert "refresh" in client.get(there.url).text
    assert client.get(f"{there.url}archive/").status_code == 404
    exports.build(run.id, secret_of(run))
    assert f"{there.url}archive/" in client.get(there.url).text
    archive = client.get(f"{there.url}archive/")
    assert "yours/user.json" in zipfile.ZipFile(io.BytesIO(archive.getvalue())).namelist()
    assert sign_in(Client(), boris).get(f"{there.url}archive/").status_code == 404


def test_an_owner_who_declines_takes_the_company_along():
    publish_anew()
    client = sign_in(Client(), ann)
    assert client.get("/orders/").status_code == 302
    assert client.post("/account/data/", {"of": "company"}).status_code == 302
    assert sign_in(Client(), adam).post("/account/data/", {"of": "company"}).status_code == 403
    with as_(adam):
        assert not Export.objects.exists()


def test_an_account_goes_for_the_password_alone():
    client = sign_in(Client(), newt)
    assert client.post("/account/deletion/", {"password": "another"}).status_code == 422
    page = client.post("/account/deletion/", {"password": PASSWORD})
    assert page.status_code == 200 and "evidence" in page.text
    assert client.get("/orders/").url.startswith("/login/")
    with gate.vouching():
        assert not User.objects.filter(email=newt.email).exists()


@pytest.mark.parametrize(
    ("someone", "address", "more"),
    [(newt, "/account/deletion/", {}), (ann, "/company/closure/", {"slug": "aurora"})],
)
def test_a_password_tried_too_often_ends_nothing(someone, address, more):
    client = sign_in(Client(), someone)
    for _ in range(10):
        client.post(address, {"password": "another", **more})
    page = client.post(address, {"password": PASSWORD, **more})
    assert page.status_code == 422 and "tried too often" in page.text
    with gate.vouching():
        assert User.objects.filter(email=someone.email).exists()
        assert Company.objects.filter(slug="aurora").exists()


def test_a_last_owner_is_told_what_to_do_first():
    page = sign_in(Client(), ann).post("/account/deletion/", {"password": PASSWORD})
    assert page.status_code == 422 and "name another one first" in page.text
    assert ann.user.is_active


def test_a_company_goes_for_the_password_and_its_name():
    publish_anew()
    client = sign_in(Client(), ann)
    for wrong in ({"password": PASSWORD, "slug": "borealis"}, {"password": "x", "slug": "aurora"}):
        assert client.post("/company/closure/", wrong).status_code == 422
    with gate.vouching():
        assert Company.objects.filter(slug="aurora").exists()
    there = client.post("/company/closure/", {"password": PASSWORD, "slug": "aurora"})
    assert "0 of 1 order is gone." in client.get(there.url).text
    assert sign_in(Client(), boris).get(there.url).status_code == 404
    with gate.vouching():
        assert not Company.objects.filter(slug="aurora").exists()
    assert not Closure.objects.exists()


def test_only_an_owner_sees_the_way():
    client = sign_in(Client(), gail)
    assert client.get("/company/closure/").status_code == 403
    sent = client.post("/company/closure/", {"password": PASSWORD, "slug": "aurora"})
    assert sent.status_code == 403
    with gate.vouching():
        assert Company.objects.filter(slug="aurora").exists()
