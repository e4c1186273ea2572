"""That a link is over, and by what: where its maker, the company and support read of it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from django.test import Client

from tests import people
from tests.access import link, working
from tests.accounts.test_access_ended import ENDS, ends_of

pytestmark = pytest.mark.django_db(transaction=True)

NEW = {"password1": "a-better-pass-2031", "password2": "a-better-pass-2031"}


def signed_in(someone: people.Someone) -> Client:
    return people.sign_in(Client(), someone)


def place_of_gail() -> str:
    return f"/company/people/{people.gail.membership().id}"


def gets_another_role(_sue: Client) -> None:
    given = {"role": "lead", "team_id": str(people.gail.membership().team_id)}
    assert signed_in(people.ann).post(f"{place_of_gail()}/place/", given).status_code == 302


def is_removed(_sue: Client) -> None:
    assert signed_in(people.ann).post(f"{place_of_gail()}/removal/").status_code == 302


def sets_a_password(_sue: Client) -> None:
    asked = {"oldpassword": people.PASSWORD, **NEW}
    assert signed_in(people.gail).post("/password/", asked).status_code == 302


def signs_out(sue: Client) -> None:
    assert sue.post("/logout/").status_code == 302


BY_HAND: dict[Callable[[Client], None], tuple[str, str]] = {
    gets_another_role: ("Ann", "its maker has another role now"),
    is_removed: ("Ann", "its maker is no member of the company any more"),
    sets_a_password: ("Gail", "its maker set a new password"),
    signs_out: ("Sue", "support's session came to its end"),
}


@pytest.mark.parametrize("deed", BY_HAND)
def test_the_links_page_says_who_ended_it_and_by_what(
    deed: Callable[[Client], None], superuser: psycopg.Connection
) -> None:
    sue, grant_id = working(people.gail)
    deed(sue)
    who, cause = BY_HAND[deed]
    ann = signed_in(people.ann)
    page = ann.get(f"/access/{grant_id}/").text
    assert f"<b>{who}</b> ended an access link: {cause}" in unquoted(page)
    for path in ("/access/", "/company/audit/"):
        assert cause in unquoted(ann.get(path).text)
    assert len(ends_of(grant_id, superuser)) == 1


def unquoted(page: str) -> str:
    return page.replace("&#x27;", "'")


def test_its_maker_is_told_what_changed_about_himself() -> None:
    sue, grant_id = working(people.gail)
    gets_another_role(sue)
    for path in ("/access/", f"/access/{grant_id}/"):
        page = signed_in(people.gail).get(path).text
        assert "Ended" in page and "you have another role now" in page


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("suspended", "The company was suspended."),
        ("support joins", "You are one of its members now."),
        ("another role", "What the link of Gail rested on has changed"),
        ("deactivated", "What the link of Gail rested on has changed"),
    ],
)
def test_support_is_told_of_it_and_nothing_of_the_companys_people(
    how: str, said: str, owner: psycopg.Connection
) -> None:
    sue, _ = working(people.gail)
    owner.execute(ENDS[how].change)
    page = sue.get("/support/").text
    assert "Aurora is shut to you" in page and said in page


def test_what_the_operator_ended_says_so(owner: psycopg.Connection) -> None:
    _, grant_id = working(people.gail)
    owner.execute(ENDS["suspended"].change)
    owner.execute("UPDATE accounts_company SET suspended_at = NULL")
    page = signed_in(people.ann).get(f"/access/{grant_id}/").text
    assert "had an access link ended by the operator: the company was suspended" in page


def test_that_the_time_is_over_is_shown_although_nobody_told_it(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, _ = link(people.gail)
    page, gail = f"/access/{grant_id}/", signed_in(people.gail)
    assert "is over" not in gail.get(page).text
    owner.execute(
        "UPDATE accounts_grant SET made_at = now() - interval '2 hours',"
        " expires_at = now() - interval '1 second'"
    )
    said = gail.get(page).text
    assert "<b>The time of the link</b> is over" in said and "Expired" in said
    assert ends_of(grant_id, superuser) == []


def test_who_shut_it_by_hand_is_named_on_it() -> None:
    _, grant_id = working(people.gail)
    signed_in(people.ann).post(f"/access/{grant_id}/revocation/")
    for path in ("/access/", f"/access/{grant_id}/"):
        assert ">by Ann<" in signed_in(people.gail).get(path).text
