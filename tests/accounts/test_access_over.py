"""What is told of a link once it was used: to support that it shuts out, and to whoever made it."""

from __future__ import annotations

import psycopg
import pytest
from django.core import mail

from accounts import gate, grants
from accounts.access import Over
from orders import access_letters
from tests import people
from tests.access import ask, let_in, link, revoke
from tests.accounts.test_access_in_sql import carrying, close

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("the grant is over", "expired"),
        ("the maker is deactivated", "shut"),
        ("the company is suspended", "suspended"),
        ("support was made a member", "colleague"),
    ],
)
def test_support_is_told_by_what_it_was_shut_out(
    how: str, why: str, owner: psycopg.Connection
) -> None:
    _, sues = let_in()
    close(owner, how)
    with gate.carrying(sues) as entry:
        assert entry.access is None and entry.company_id is None
        assert entry.over == Over("Aurora", "Ann", why)


def test_support_is_told_that_it_was_revoked_or_refused() -> None:
    opened, sues = let_in()
    revoke(opened)
    with gate.carrying(sues) as entry:
        assert entry.over == Over("Aurora", "Ann", "revoked")
    asked, secret = link()
    another = ask(secret)
    revoke(asked)
    with gate.carrying(another) as entry:
        assert entry.over == Over("Aurora", "Ann", "refused")


def test_whoever_ended_it_himself_or_never_asked_is_told_nothing() -> None:
    _, sues = let_in()
    another = gate.new_secret()
    with gate.carrying(sues):
        grants.end(another=another)
    for secret in (another, people.pass_of(people.sue), people.pass_of(people.ann)):
        with gate.carrying(secret) as entry:
            assert entry.over is None


def looked_by(someone: people.Someone) -> str | None:
    with people.as_(someone):
        last = grants.last_opened()
        return last and last.staff


def test_who_looked_last_is_told_to_whoever_made_the_link_and_to_nobody_else() -> None:
    _, sues = let_in(people.gail)
    assert looked_by(people.gail) is None  # let in, and nothing looked at
    with carrying(sues) as web:
        web.commit()
    assert looked_by(people.gail) == "Sue"
    for other in (people.ann, people.adam, people.bea):
        assert looked_by(other) is None


def letters() -> list[tuple[str, str]]:
    """To whom, and what about, of those that are due."""
    mail.outbox.clear()
    access_letters.tell_all()
    return sorted((letter.to[0], letter.subject) for letter in mail.outbox)


def test_letters_are_in_each_readers_language_and_say_whose_turn_it_is(
    owner: psycopg.Connection,
) -> None:
    owner.execute("UPDATE accounts_user SET language = 'ru' WHERE email = %s", [people.gail.email])
    _, secret = link(people.gail)
    ask(secret)
    assert letters() == [
        (people.ann.email, "Sue of support asks to be let into Aurora"),
        (people.gail.email, "Sue из поддержки просит впустить в компанию «Aurora»"),
    ]
    to_ann, to_gail = (
        next(each.body for each in mail.outbox if each.to == [someone.email])
        for someone in (people.ann, people.gail)
    )
    assert "Gail, who made the link, lets them in" in to_ann
    assert "вашей ссылкой доступа" in to_gail and "Впустить или отказать" in to_gail


def test_of_whom_the_maker_named_no_letter_says_that_he_asks() -> None:
    _, secret = link(staff=people.sue)
    ask(secret)
    assert letters() == [(people.ann.email, "Sue of support is let into Aurora")]
    assert letters() == []
