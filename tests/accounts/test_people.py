"""The people page: who works here, and their coming and going."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.test import Client

from accounts import navigation
from accounts.models import AuditEntry, LastOwner, Membership, Team
from orders.models import Order
from orders.persons import Person
from tests.people import adam, ann, as_, bea, boris, gail, gus, lena, lou, newt, pat, sign_in

pytestmark = pytest.mark.django_db


def post(someone, address, **fields):
    return sign_in(Client(), someone).post(address, fields)


def place(by, someone, **fields):
    return post(by, f"/company/people/{someone.membership().id}/place/", **fields)


def remove(by, someone):
    return post(by, f"/company/people/{someone.membership().id}/removal/")


def place_of(someone):
    with as_(ann):
        return Membership.objects.get(user_id=someone.user.pk)


def test_members_see_who_works_with_them(client):
    page = sign_in(client, gail).get("/company/")
    emails = [person["email"] for person in page.context["people"]]
    assert {ann.email, adam.email, pat.email} <= set(emails)
    assert lou.email not in emails
    assert bea.email not in emails
    assert not page.context["can_invite"]
    assert not any(person["role_form"] for person in page.context["people"])


def test_managers_see_who_is_no_longer_here_and_what_is_still_theirs(client):
    with as_(gail) as by:
        Order.objects.add(
            by=by, person=Person(phone="+40723123643"), items=(), currency="EUR",
            agent=gail.membership().id,
        )  # fmt: skip
    remove(adam, gail)
    told = sign_in(client, adam).get("/company/").context["gone"]
    assert {"email": gail.email, "held": 1}.items() <= told[0].items()
    assert told[0]["left_at"]
    assert sign_in(client, gus).get("/company/").context["gone"] == []


def test_who_may_not_know_who_accepted_sees_no_column_of_that(client):
    assert ">Policies<" not in sign_in(client, gail).get("/company/").content.decode()
    assert ">Policies<" in sign_in(client, adam).get("/company/").content.decode()


def test_a_partner_does_not_see_them(client):
    assert sign_in(client, pat).get("/company/").status_code == 403


def test_the_page_takes_the_same_statements_however_many_work_here(
    client, django_assert_max_num_queries
):
    sign_in(client, adam).get("/company/")
    with django_assert_max_num_queries(100) as before:
        client.get("/company/")
    with as_(ann) as owner:
        gus.membership().end(by=owner)
        gail.membership().end(by=owner)
    with django_assert_max_num_queries(100) as after:
        client.get("/company/")
    assert len(before) == len(after)


def test_an_admin_gives_a_role_and_a_team(client):
    with as_(ann):
        north = Team.objects.get(name="North")
    response = place(adam, gus, role="lead", team=str(north.id))
    assert response["Location"] == "/company/"
    assert (place_of(gus).role, place_of(gus).team_id) == ("lead", north.id)
    with as_(ann):
        entry = AuditEntry.objects.filter(action="person.placed").latest("id")
    assert (entry.actor_name, entry.changes) == ("Adam", {"role": ["agent", "lead"]})


def test_a_partners_member_needs_a_partner():
    place(adam, gus, role="partner")
    assert place_of(gus).role == "agent"
    partner = str(pat.membership().partner_id)
    place(adam, gus, role="partner", partner=partner)
    assert str(place_of(gus).partner_id) == partner
    place(adam, gus, role="agent", partner=partner)
    assert place_of(gus).partner_id is None


@pytest.mark.parametrize("value", ["", "emperor", "\x00", "a" * 1_000_000, "\U0001f9ff"])
def test_wrong_places_are_refused(value):
    for fields in ({"role": value}, {"role": "lead", "team": value or "x"}):
        assert place(adam, gus, **fields).status_code == 302
    assert place_of(gus).role == "agent"


def test_an_admin_does_not_touch_owners():
    assert place(adam, ann, role="agent").status_code in (302, 403)
    assert remove(adam, ann).status_code == 403
    assert place(adam, gus, role="owner").status_code == 302
    assert place_of(ann).role == "owner"
    assert place_of(gus).role == "agent"


def test_an_owner_names_another_owner_and_may_then_go():
    assert remove(ann, ann)["Location"] == "/company/departure/"
    assert place_of(ann).left_at is None
    place(ann, adam, role="owner")
    assert remove(ann, ann)["Location"] == "/company/choose/"
    with as_(adam):
        assert Membership.objects.get(user_id=ann.user.pk).left_at


def test_leaving_is_asked_for_and_then_said(client):
    asked = sign_in(client, gus).get("/company/departure/")
    assert "Leave Aurora?" in asked.content.decode()
    assert place_of(gus).left_at is None
    gone = client.post("/company/departure/", follow=True)
    assert "You no longer work in Aurora." in gone.content.decode()
    assert place_of(gus).left_at


@pytest.mark.parametrize("path", ["/company/", "/password/"])
def test_the_way_out_stands_in_everybodys_menu(client, path):
    assert 'href="/company/departure/"' in sign_in(client, gail).get(path).content.decode()


def test_the_last_owner_is_not_demoted_and_does_not_leave():
    place(ann, ann, role="agent")
    client = sign_in(Client(), ann)
    refused = client.post("/company/departure/", follow=True).content.decode()
    assert "A company keeps an owner" in refused
    assert (place_of(ann).role, place_of(ann).left_at) == ("owner", None)


def test_the_database_itself_keeps_an_owner():
    for change in ({"role": "agent"}, {"left_at": "2026-01-01T00:00Z"}):
        with pytest.raises(IntegrityError, match="keeps_an_owner"), as_(ann):
            Membership.objects.filter(user_id=ann.user.pk).update(**change)
    with pytest.raises(LastOwner), as_(ann) as entry:
        ann.membership().end(by=entry)
    assert place_of(ann).role == "owner"


def test_who_is_removed_is_out_at_once():
    agent = sign_in(Client(), gail)
    assert agent.get("/company/").status_code == 200
    remove(adam, gail)
    assert agent.get("/company/")["Location"].startswith("/login/")
    assert place_of(gail).left_at


def test_a_removal_asks_once_and_is_not_offered_for_oneself(client):
    page = sign_in(client, ann).get("/company/")
    offered = {person["email"]: person["deactivate_url"] for person in page.context["people"]}
    assert not offered[ann.email]
    removal = f"/company/people/{gail.membership().id}/removal/"
    assert offered[gail.email] == removal
    asked = page.content.decode().split(f'action="{removal}"')
    assert asked[0].rpartition("<details")[2].count("</details>") == 0
    assert "Yes, deactivate Gail" in asked[1].partition("</details>")[0]


def test_a_lead_without_a_team_is_told_what_is_missing(client):
    place(adam, lena, role="lead", team="")
    seen = sign_in(client, lena).get("/orders/").content.decode()
    assert "You lead no team yet" in seen
    assert "leads no team" in sign_in(client, adam).get("/company/").content.decode()
    with as_(ann):
        north = str(Team.objects.get(name="North").id)
    place(adam, lena, role="lead", team=north)
    assert "You lead no team yet" not in sign_in(client, lena).get("/orders/").content.decode()


@pytest.mark.parametrize("someone", [gus, adam], ids=str)
def test_nobody_else_misses_a_team(client, someone):
    assert "lead no team" not in sign_in(client, someone).get("/orders/").content.decode()


def test_an_agent_removes_nobody():
    assert remove(gail, gus).status_code == 403
    assert place(gail, gail, role="owner").status_code == 403
    with pytest.raises(PermissionDenied), as_(gail) as entry:
        gus.membership().end(by=entry)
    with as_(gail):
        assert Membership.objects.filter(user_id=gus.user.pk).update(role="lead") == 0
    assert (place_of(gus).role, place_of(gus).left_at) == ("agent", None)


def test_a_member_of_another_company_is_not_found():
    stranger, nobody = boris.membership().id, "00000000-0000-7000-8000-000000000000"
    for address in ("place", "removal"):
        here = post(ann, f"/company/people/{stranger}/{address}/", role="agent")
        nowhere = post(ann, f"/company/people/{nobody}/{address}/", role="agent")
        assert here.status_code == nowhere.status_code == 404
    assert boris.membership().left_at is None


def test_who_has_accepted_nothing_may_leave_all_the_same():
    assert post(newt, "/company/departure/")["Location"] == "/company/choose/"
    assert place_of(newt).left_at


def test_teams_are_made_once():
    assert post(adam, "/company/teams/", name="South").status_code == 302
    assert post(adam, "/company/teams/", name="South").status_code == 422
    assert post(gail, "/company/teams/", name="West").status_code == 403
    with as_(ann):
        assert set(Team.objects.values_list("name", flat=True)) == {"North", "South"}


@pytest.mark.parametrize("name", ["", "\x00", "a" * 1_000_000])
def test_wrong_names_of_teams_are_refused(name):
    assert post(adam, "/company/teams/", name=name).status_code == 422


def places_of(someone, address="/company/"):
    page = sign_in(Client(), someone).get(address)
    return {
        str(place["label"]): place["url"] == page.context["here"] for place in page.context["nav"]
    }


def test_the_places_at_the_side_are_those_of_the_role():
    assert places_of(adam)["People"] is True
    assert places_of(adam)["Import"] is False
    assert "Import" not in places_of(gail)


def test_places_stand_in_their_order():
    assert [each.order for each in navigation.PLACES] == sorted(
        each.order for each in navigation.PLACES
    )
