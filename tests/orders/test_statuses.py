from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from accounts.permissions import ROLES
from orders.statuses import (
    CANCEL_REASONS,
    MOVES,
    PHASES,
    REASONS,
    REQUIREMENTS,
    RETURN_REASONS,
    STATUSES,
    TRASH_REASONS,
    check,
    move_named,
    moves_from,
    reasons_for,
    way_back,
)

FINAL = {"returned"}


def reachable(start, role=None):
    """The statuses an order can come to, by anybody's moves or by one role's."""
    seen, open_ = set(), [start]
    while open_:
        status = open_.pop()
        if status not in seen:
            seen.add(status)
            open_ += [m.to for m in MOVES if m.frm == status and (not role or role in m.roles)]
    return seen


def named(key, status, role):
    """The move, which is known to exist."""
    move = move_named(key, status, role)
    assert move
    return move


def whole_order(**changed):
    filled = {
        "name": "Anna",
        "phone": "+77472937614",
        "address": "Abay 1",
        "items": ["belt"],
        "comment": "asked for it",
    }
    return SimpleNamespace(**{**filled, **changed})


def test_every_status_can_be_reached_from_a_new_order():
    assert reachable("new") == set(STATUSES)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_managers_alone_can_lead_an_order_anywhere(role):
    assert reachable("new", role) == set(STATUSES)


def test_only_what_came_back_is_a_dead_end():
    assert {status for status in STATUSES if not any(m.frm == status for m in MOVES)} == FINAL


def test_moves_name_known_statuses_roles_and_requirements():
    for move in MOVES:
        assert {move.frm, move.to} <= set(STATUSES)
        assert move.roles and move.roles <= set(ROLES)
        assert move.requires <= set(REQUIREMENTS)


def test_a_key_names_one_move_of_a_status():
    assert len({(move.frm, move.key) for move in MOVES}) == len(MOVES)


def test_a_move_shows_what_it_leads_to():
    assert named("confirm", "processing", "agent").target is STATUSES["confirmed"]


def test_every_phase_is_shown_by_some_status():
    assert {status.phase for status in STATUSES.values()} == set(PHASES)


def test_a_column_holds_every_status_and_reason():
    assert max(map(len, STATUSES)) <= 16
    assert max(len(reason) for reasons in REASONS.values() for reason in reasons) <= 40


def test_an_agent_calls_and_decides():
    keys = [move.key for move in moves_from("processing", "agent")]
    assert keys == ["release", "no_answer", "recall", "hold", "confirm", "cancel", "trash"]


def test_an_agent_neither_ships_nor_reopens_what_ended_nor_takes_money():
    assert reachable("new", "agent").isdisjoint({"packed", "sent", "delivered", "paid", "returned"})
    assert moves_from("cancelled", "agent") == moves_from("trash", "agent") == []


def test_a_partner_moves_nothing():
    assert all(moves_from(status, "partner") == [] for status in STATUSES)


@pytest.mark.parametrize("role", ["lead", "admin", "owner"])
@pytest.mark.parametrize("status", ["cancelled", "trash", "confirmed"])
def test_those_who_lead_reopen_with_a_comment(status, role):
    move = named("reopen", status, role)
    assert move.to == "processing"
    assert check(move, whole_order(comment=" ")) == ["comment"]


def test_an_agent_takes_a_confirmation_back_until_it_is_packed():
    move = named("reopen", "confirmed", "agent")
    assert check(move, whole_order(comment=" ")) == ["comment"]
    assert move_named("reopen", "packed", "agent") is None


@pytest.mark.parametrize("status", STATUSES)
def test_the_way_back_is_the_move_that_reopens(status):
    found = way_back(status)
    assert bool(found) == (status in ("confirmed", "cancelled", "trash"))
    assert found is None or found.to == "processing"


def test_only_an_owner_or_admin_books_the_money():
    assert named("pay", "delivered", "admin").to == "paid"
    assert move_named("pay", "delivered", "lead") is None


def test_an_unknown_move_is_none():
    assert move_named("pay", "new", "owner") is None
    assert move_named("", "", "") is None


def test_no_answer_and_nothing_else_counts_an_attempt():
    assert {move.to for move in MOVES if move.counts_attempt} == {"no_answer"}
    assert all(move.counts_attempt for move in MOVES if move.to == "no_answer")


def test_confirming_requires_all_that_a_parcel_needs():
    move = named("confirm", "processing", "agent")
    assert check(move, whole_order()) == []
    assert check(move, SimpleNamespace()) == ["name", "phone", "address", "items"]
    assert check(move, whole_order(address=" ", items=[])) == ["address", "items"]


def test_a_recall_requires_a_time_in_the_future():
    move = named("recall", "processing", "agent")
    now = timezone.now()
    assert check(move, SimpleNamespace(recall_at=now + timedelta(minutes=5))) == []
    for wrong in (None, "", now - timedelta(seconds=1)):
        assert check(move, SimpleNamespace(recall_at=wrong)) == ["recall_at"]


@pytest.mark.parametrize(
    ("key", "status", "reasons"),
    [
        ("cancel", "processing", CANCEL_REASONS),
        ("trash", "processing", TRASH_REASONS),
        ("return", "sent", RETURN_REASONS),
    ],
)
def test_an_end_requires_one_of_its_own_reasons(key, status, reasons):
    move = named(key, status, "owner")
    assert reasons_for(move) == reasons
    assert all(check(move, SimpleNamespace(reason=reason)) == [] for reason in reasons)
    for wrong in ("", None, "because", "wrong_number" if key != "trash" else "too_expensive"):
        assert check(move, SimpleNamespace(reason=wrong)) == ["reason"]


def test_every_end_requires_a_reason():
    for move in MOVES:
        assert ("reason" in move.requires) == (move.to in REASONS)


def test_a_taken_order_can_always_be_put_back_or_decided():
    assert reachable("processing", "agent") >= {"new", "confirmed", "cancelled", "trash"}
