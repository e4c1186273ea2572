"""What files call statuses is understood as far as words go; whatever is not is new."""

import pytest

from orders.mapping import guess
from orders.spreadsheets import read
from orders.status_words import BRINGABLE, WORDS, guess_status
from orders.statuses import STATUSES


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("paid", "paid"),
        ("Paid, fulfilled", "paid"),
        ("paid, unfulfilled", "confirmed"),
        ("pending, unfulfilled", "new"),
        ("pending, fulfilled", "sent"),
        ("refunded, fulfilled", "returned"),
        ("refunded, unfulfilled", "cancelled"),
        ("voided, fulfilled", "cancelled"),
        ("CANCELLED", "cancelled"),
        ("on-hold", "hold"),
        ("Новый", "new"),
        ("Подтверждён", "confirmed"),
        ("Отправлен", "sent"),
        ("Выкуплен", "paid"),
        ("Возврат", "returned"),
        ("Отказ", "cancelled"),
        ("Недозвон", "no_answer"),
        ("Треш", "trash"),
        ("в работе у Маши", ""),
        ("", ""),
    ],
)
def test_a_shops_word_is_understood(said, status):
    assert guess_status(said) == status


def test_every_status_but_that_of_an_agents_hand_has_words():
    assert set(WORDS) == set(BRINGABLE) == set(STATUSES) - {"processing"}


def test_no_word_means_two_statuses():
    words = [word for listed in WORDS.values() for word in listed.split(", ")]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Phone,Financial Status,Fulfillment Status", (1, 2)),
        ("Phone,Fulfillment Status", (1,)),
        ("Телефон,Статус", (1,)),
        ("Phone,Order status,State", (1,)),
    ],
)
def test_the_columns_of_statuses_are_found_by_their_names(header, columns):
    cells = header.count(",")
    table = f"{header}\n" + "\n".join(f"+4072123464{n}" + ",paid" * cells for n in range(3))
    assert guess(read(table.encode())).columns["status"] == columns
