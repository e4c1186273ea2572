"""Clause P1: a policy's countries, and those of people and orders beside them."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Company, Membership
from orders.intake import ItemDraft, NotAdmitted
from orders.models import Import, ImportRefusal, Order
from orders.persons import Person
from policy import coverage
from policy.models import PolicyVersion
from tests.orders.test_editing import FILLED, LAMP, lines
from tests.orders.uploading import begun, id_of, start, table, worked
from tests.people import adam, ann, as_, bea, gail, newt, olga, sign_in
from tests.policy.publications import (
    accept_all,
    publish_aurora,
    publish_company,
    publish_crm,
    refused,
)

pytestmark = pytest.mark.django_db

PAGE = "/company/coverage/"
KETTLE = [ItemDraft("Kettle", Decimal("49.90"))]


def declare(*countries: str, text: str = "# Ours, of these countries") -> PolicyVersion:
    version = publish_company(ann, "aurora", text, countries=countries)
    for someone in (ann, adam, gail):
        accept_all(someone)
    return version


def added(**named: Any) -> Order:
    with as_(ann) as by:
        return Order.objects.add(
            by=by, person=Person(name="Ana"), items=KETTLE, currency="EUR", **named
        )


def be_strict(strict: bool = True) -> None:
    with as_(adam) as by:
        Company.be_strict(strict, by=by)


def rows(client: Client) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in client.get(PAGE).context["rows"]}


# What a version declares


def test_a_companys_version_is_sealed_together_with_its_countries() -> None:
    version = declare("RO", "KZ", "RO", text="# Ours")
    assert version.countries == ["KZ", "RO"]
    sealed = hashlib.sha256(b"# Ours\n\nCountries: KZ, RO\n").hexdigest()
    with as_(ann) as by:
        assert version.texts.get().hash == version.hashes["en"] == sealed
        accepted = version.acceptances.get(user_id=by.user_id)
        assert accepted.text_hash == sealed


@pytest.mark.parametrize("countries", ['["RO", "KZ"]', '["ro"]', '["RO", "RO"]', "[1]", "{}"])
def test_the_database_takes_codes_in_order_alone(countries: str) -> None:
    with as_(ann) as by, refused("countries|array"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_policyversion (id, policy_id, material, bundled, effective_at,"
            " published_by_id, hashes, countries) SELECT gen_random_uuid(), id, true, false, now(),"
            ' %s, \'{"en": "x"}\', %s::jsonb FROM policy_policy WHERE company_id = %s',
            [by.user_id, countries, by.company_id],
        )


def test_the_platforms_policies_declare_no_countries() -> None:
    with refused("countries"):
        publish_crm(countries=["RO"])


def test_a_declaration_is_never_changed() -> None:
    version = declare("RO")
    with as_(ann), refused("permission denied"), connection.cursor() as cursor:
        cursor.execute("UPDATE policy_policyversion SET countries = '[]'")
    with as_(ann):
        version.refresh_from_db()
        assert version.countries == ["RO"]


def test_the_form_asks_for_countries_by_name_and_fills_them_in(client: Client) -> None:
    sent = {"body_en": "# Ours\n\nWe serve [[countries]].", "body_ru": "# Наша: [[countries]]."}
    page = sign_in(client, adam).post("/company/policy/", sent)
    assert page.context["form"].errors.keys() >= {"countries"}
    page = client.post("/company/policy/", {**sent, "countries": "Romania, Atlantis"})
    assert "Atlantis" in page.context["form"].errors["countries"][0]
    publish_aurora(client, {**sent, "countries": "Румыния; kz", "material": "on"})
    with as_(ann):
        latest = PolicyVersion.objects.of("company", "aurora").latest("number")
        assert (latest.number, latest.countries) == (2, ["KZ", "RO"])
        assert latest.bodies["en"].endswith("We serve Kazakhstan, Romania.")
        assert latest.bodies["ru"].endswith("Казахстан, Румыния.")
    assert "Kazakhstan, Romania" in client.get("/c/aurora/policy/").text


def test_other_countries_alone_make_a_version(client: Client) -> None:
    declare("RO", text="# Ours")
    sent = {"body_en": "# Ours", "countries": "RO"}
    page = sign_in(client, adam).post("/company/policy/", sent)
    assert "Nothing has changed" in page.context["form"].errors["body_en"][0]
    publish_aurora(client, {**sent, "countries": "RO, KZ"})
    with as_(ann):
        latest = PolicyVersion.objects.of("company", "aurora").latest("number")
        assert latest.countries == ["KZ", "RO"]


# What is compared with it


def test_an_order_of_an_undeclared_country_shows_at_once(client: Client) -> None:
    declare("RO")
    sign_in(client, adam)
    assert rows(client)["RO"]["covered"]
    order = added(country="MD", citizenship="KZ")
    found = rows(client)
    assert not found["MD"]["covered"]
    assert (found["MD"]["orders"].country, found["KZ"]["orders"].citizenship) == (1, 1)
    page = client.get(PAGE)
    assert f"/orders/{order.id}/" in page.text
    assert page.context["left_out"] == 2


def test_a_member_of_an_undeclared_country_shows_at_once(client: Client) -> None:
    declare("RO")
    sign_in(client, gail).post("/company/citizenship/", {"citizenship": "MD"})
    row = rows(sign_in(client, adam))["MD"]
    assert (row["covered"], row["members"]) == (False, 1)
    with as_(ann):
        entry = AuditEntry.objects.filter(action="person.citizenship").get()
        assert entry.changes == {}
    sign_in(client, gail).post("/company/citizenship/", {"citizenship": ""})
    assert "MD" not in rows(sign_in(client, adam))


def test_the_page_asks_the_same_number_of_statements_however_much_there_is(
    client: Client,
) -> None:
    declare("RO")
    sign_in(client, adam).get(PAGE)
    added(country="MD")
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    for country in ("KZ", "UA", "PL", "DE", "FR"):
        added(country=country, citizenship=country)
    with CaptureQueriesContext(connection) as many:
        client.get(PAGE)
    assert len(many) == len(few)


def test_another_companys_countries_are_not_told(client: Client) -> None:
    added(country="MD")
    with as_(bea) as by:
        assert "MD" not in coverage.members_by_country(by)
    assert "MD" not in rows(sign_in(client, bea))


# A strict company


@pytest.mark.parametrize("named", [{"country": "MD"}, {"citizenship": "MD", "country": "RO"}])
def test_a_strict_company_takes_no_order_that_it_does_not_cover(named: dict[str, str]) -> None:
    declare("RO")
    be_strict()
    with pytest.raises(NotAdmitted) as refusal:
        added(**named)
    assert "Clause P1" in str(refusal.value)
    assert added(country="RO", citizenship="RO").country == "RO"
    order = added()
    with as_(ann) as by, pytest.raises(NotAdmitted):
        order.edit(by=by, version=order.version, **named)
    with as_(ann):
        assert not Order.objects.filter(country="MD").exists()


@pytest.mark.parametrize("column", ["country", "citizenship"])
def test_the_database_itself_refuses_it(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declare("RO")
    order = added(country="RO")
    be_strict()
    with as_(ann), refused("clause P1") as refusal, connection.cursor() as cursor:
        cursor.execute(f"UPDATE orders_order SET {column} = 'MD' WHERE id = %s", [order.id])
    assert refusal.value.__cause__.sqlstate == "CVP01"
    monkeypatch.setattr(coverage.Coverage, "refusal", lambda self, **_: None)
    with pytest.raises(DatabaseError, match="clause P1"), transaction.atomic():
        added(**{column: "MD"})
    with as_(ann):
        assert not Order.objects.filter(**{column: "MD"}).exists()


def test_what_was_taken_before_may_be_worked_on() -> None:
    declare("RO")
    order = added(country="MD")
    be_strict()
    with as_(gail) as by:
        order.move(by=by, move="take", version=order.version)
    with as_(ann) as by:
        order = Order.objects.get(id=order.id)
        changed = order.edit(by=by, version=order.version, person=Person(name="Anna"))
        assert (changed, order.status, order.country) == (["name"], "processing", "MD")


def test_the_form_says_which_country_it_refuses(client: Client) -> None:
    declare("RO")
    be_strict()
    sent = FILLED | lines(LAMP) | {"country": "MD", "phone": "+40723123643"}
    page = sign_in(client, gail).post("/orders/new/", sent)
    assert page.status_code == 422
    assert "Clause P1" in page.text
    assert "Moldova" in page.text


ROWS = table(
    "M1,2026-05-10 10:00,Ana Pop,+40 721 234 643,MD,Belt,1,9.90,,",
    "R1,2026-05-10 10:00,Dan Pop,+40 721 234 644,RO,Belt,1,9.90,,",
)


def refusals_of(run: Import) -> list[list[Any]]:
    with as_(ann):
        return [
            refusal.reasons[0]
            for refusal in ImportRefusal.objects.filter(import_id=run.id).order_by("line")
        ]


def test_an_import_refuses_the_row_with_the_reason(client: Client) -> None:
    declare("RO")
    be_strict()
    answer = start(sign_in(client, adam), ROWS)
    with as_(ann):
        run = Import.objects.get(id=id_of(answer))
    assert (run.drafts, run.refused) == (2, 1)
    assert refusals_of(run) == [["country", "not_covered", 2, "Moldova"]]


def test_an_import_under_way_is_refused_row_by_row_when_the_company_becomes_strict() -> None:
    declare("RO")
    run = begun(ROWS)
    be_strict()
    run = worked(run)
    assert (run.created, run.refused) == (1, 1)
    assert refusals_of(run) == [["country", "not_covered", 2, "Moldova"]]


def test_members_of_such_a_country_are_refused(client: Client) -> None:
    declare("RO")
    be_strict()
    page = sign_in(client, gail).post("/company/citizenship/", {"citizenship": "MD"})
    assert page.status_code == 422
    with as_(gail), refused("clause P1"), connection.cursor() as cursor:
        cursor.execute("SELECT gate.declare_citizenship('MD')")
    assert gail.membership().citizenship == ""


def test_nobody_declares_a_prohibited_country(client: Client) -> None:
    page = sign_in(client, gail).post("/company/citizenship/", {"citizenship": "RU"})
    assert page.status_code == 422
    with as_(gail), refused("clause P2"), connection.cursor() as cursor:
        cursor.execute("SELECT gate.declare_citizenship('RU')")
    assert gail.membership().citizenship == ""


def test_whoever_leaves_takes_it_along(client: Client) -> None:
    sign_in(client, gail).post("/company/citizenship/", {"citizenship": "RO"})
    assert gail.membership().citizenship == "RO"
    with as_(adam) as by:
        member = Membership.objects.get(user_id=gail.user.pk, company_id=by.company_id)
        member.end(by=by)
        member.refresh_from_db()
        assert member.citizenship == ""


def test_nobody_declares_for_another() -> None:
    with as_(ann), refused("permission denied"):
        Membership.objects.filter(user_id=gail.user.pk).update(citizenship="RO")


def test_strictness_is_for_who_runs_the_company_and_is_recorded(client: Client) -> None:
    address = f"{PAGE}strictness/"
    for someone in (gail, bea, olga):
        with as_(someone):
            changed = Company.objects.filter(slug="aurora").update(strict=True)
            assert changed == 0
    assert sign_in(client, gail).post(address, {"strict": "yes"}).status_code == 403
    sign_in(client, adam).post(address, {"strict": "yes"})
    with as_(ann):
        assert Company.objects.get(slug="aurora").strict
        assert not Company.objects.get(slug="borealis").strict
        entry = AuditEntry.objects.get(action="company.strictness")
        assert (entry.actor_name, entry.changes) == ("Adam", {"strict": True})
    with as_(ann), refused("permission denied"):
        Company.objects.filter(slug="aurora").update(name="Mine")


def test_who_has_not_accepted_changes_nothing(client: Client) -> None:
    page = sign_in(client, newt).get(PAGE)
    assert page.headers["Location"].startswith("/accept/")
