"""The operator's list (clause P2): whoever decides is named, and nobody else decides."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from policy import refusals
from policy.jurisdictions import Verdict
from policy.prohibitions import Jurisdiction, NothingDecided
from policy.refusals import Refusal, Way
from tests.people import adam, ann, as_, bea, gail, newt, olga, pat, sign_in, sue

pytestmark = pytest.mark.django_db

ADDRESS = "/operator/jurisdictions/"
RUSSIAN_NUMBER = Verdict("prohibited", "phone", "RU")
DECIDE = (
    "INSERT INTO policy_jurisdiction (id, code, prohibited, reason, decided_by_id)"
    " VALUES (gen_random_uuid(), %s, %s, 'x', %s)"
)


def listed() -> set[str]:
    with as_(ann):
        return set(Jurisdiction.objects.prohibited())


def decisions() -> int:
    with as_(ann):
        return Jurisdiction.objects.count()


def refused(someone, sql: str, *values: object) -> str:
    """The SQLSTATE with which the database refuses it."""
    with as_(someone), connection.cursor() as cursor:
        with pytest.raises(DatabaseError) as refusal, transaction.atomic():
            cursor.execute(sql, values)
        return refusal.value.__cause__.sqlstate


# Deciding


def test_the_list_begins_with_what_the_servers_clause_names() -> None:
    assert listed() == {"RU"}


def test_the_operator_puts_a_country_on_the_list_and_takes_it_off_again(client: Client) -> None:
    sign_in(client, olga)
    assert client.post(ADDRESS, {"country": "BY", "reason": "Law 99-Z"}).status_code == 302
    assert listed() == {"RU", "BY"}
    answer = client.post(f"{ADDRESS}BY/lifting/", {"BY-reason": "Repealed"}, follow=True)
    assert listed() == {"RU"}
    page = answer.content.decode()
    assert "Law 99-Z" in page and "Repealed" in page and "Olga" in page
    told = [(each["country"], each["prohibited"]) for each in answer.context["history"]]
    assert told == [("Belarus", False), ("Belarus", True), ("Russia", True)]


def test_what_the_form_lacks_decides_nothing(client: Client) -> None:
    sign_in(client, olga)
    for data in ({"country": "BY"}, {"reason": "x"}, {"country": "Narnia", "reason": "x"}):
        assert client.post(ADDRESS, data).status_code == 422
    assert client.post(ADDRESS, {"country": "RU", "reason": "again"}).status_code == 422
    assert client.post(f"{ADDRESS}RU/lifting/").status_code == 422
    assert client.post(f"{ADDRESS}BY/lifting/", {"BY-reason": "x"}).status_code == 404
    assert (listed(), decisions()) == ({"RU"}, 1)


@pytest.mark.parametrize("someone", [ann, adam, gail, pat, newt, bea, sue], ids=str)
def test_nobody_else_decides(client: Client, someone) -> None:
    sign_in(client, someone)
    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, {"country": "BY", "reason": "x"}).status_code == 403
    assert client.post(f"{ADDRESS}RU/lifting/", {"RU-reason": "x"}).status_code == 403
    assert refused(someone, DECIDE, "RU", False, someone.user.pk) == "42501"
    assert refused(someone, DECIDE, "RU", False, olga.user.pk) == "42501"
    assert (listed(), decisions()) == ({"RU"}, 1)


def test_the_operator_decides_in_no_other_name() -> None:
    assert refused(olga, DECIDE, "BY", True, ann.user.pk) == "42501"
    assert refused(olga, DECIDE, "by", True, olga.user.pk) == "23514"
    assert listed() == {"RU"}


def test_a_decision_is_for_good_and_at_its_own_moment() -> None:
    for change in (
        "UPDATE policy_jurisdiction SET prohibited = false",
        "DELETE FROM policy_jurisdiction",
        "TRUNCATE policy_jurisdiction",
    ):
        assert refused(olga, change) == "42501"
    with as_(olga) as by:
        made = Jurisdiction.objects.create(
            code="BY", prohibited=True, reason="x", decided_by_id=by.user_id,
            decided_at="2001-01-01T00:00Z",
        )  # fmt: skip
        made.refresh_from_db()
        assert made.decided_at.year > 2001


def test_not_even_the_tables_owner_rewrites_the_list(owner) -> None:
    with pytest.raises(Exception, match="only ever added to"):
        owner.execute("UPDATE policy_jurisdiction SET prohibited = false")


def test_what_the_list_says_already_is_no_decision() -> None:
    with as_(olga) as by:
        with pytest.raises(NothingDecided):
            Jurisdiction.objects.prohibit("RU", by=by, reason="again")
        with pytest.raises(NothingDecided):
            Jurisdiction.objects.lift("BY", by=by, reason="never was")
    assert decisions() == 1


# Counting


def test_refusals_are_counted_by_company_day_and_rule() -> None:
    for someone in (ann, gail, bea):
        with as_(someone):
            refusals.count([RUSSIAN_NUMBER, RUSSIAN_NUMBER], way=Way.FORM)
    with as_(ann):
        [counted] = Refusal.objects.all()
        assert (counted.sign, counted.jurisdiction, counted.count) == ("phone", "RU", 4)
    with as_(bea):
        assert Refusal.objects.get().count == 2


def test_the_allowed_and_the_invalid_count_for_nothing() -> None:
    with as_(ann):
        refusals.count([Verdict("allowed"), Verdict("invalid", "country")], way=Way.FORM)
        assert not Refusal.objects.exists()


@pytest.mark.parametrize("someone", [gail, pat, olga, sue], ids=str)
def test_a_companys_refusals_are_read_by_who_runs_it(someone) -> None:
    with as_(ann):
        refusals.count([RUSSIAN_NUMBER], way=Way.FORM)
    with as_(someone):
        assert not Refusal.objects.exists()


def test_no_refusal_is_hidden_or_moved_in_sql() -> None:
    with as_(ann):
        refusals.count([RUSSIAN_NUMBER], way=Way.FORM)
    for change in (
        "UPDATE policy_refusal SET count = 0",
        "DELETE FROM policy_refusal",
        "INSERT INTO policy_refusal VALUES (1, '2026-01-01', 'form', 'phone', 'RU', 9)",
        "SELECT gate.count_refusals('form', 'phone', 'RU', -1)",
        "SELECT gate.count_refusals('form', 'phone', 'RU', NULL)",
        "SELECT gate.count_refusals('form', 'phone', 'RU', 1000001)",
        "SELECT gate.count_refusals('form', 'phone', 'RU', 9223372036854775807)",
    ):
        assert refused(ann, change) == "42501"
    assert refused(ann, "SELECT gate.count_refusals('form', 'Ivan', 'RU', 1)") == "23514"
    assert refused(ann, "SELECT gate.count_refusals('form', 'phone', '79', 1)") == "23514"
    with as_(ann):
        assert Refusal.objects.get().count == 1


@pytest.mark.parametrize("someone", [sue, olga], ids=str)
def test_who_works_in_no_company_counts_in_none(someone) -> None:
    count = "SELECT gate.count_refusals('form', 'phone', 'RU', 1)"
    assert refused(someone, count) == "42501"


def test_the_operator_sees_totals_and_no_company(client: Client) -> None:
    for someone in (ann, bea):
        with as_(someone):
            refusals.count([RUSSIAN_NUMBER], way=Way.IMPORT)
    page = sign_in(client, olga).get(ADDRESS)
    assert [(each["country"], each["count"]) for each in page.context["totals"]] == [("Russia", 2)]
    assert "Aurora" not in page.content.decode()
    for someone in (ann, sue):
        assert refused(someone, "SELECT * FROM gate.refusal_totals()") == "42501"
