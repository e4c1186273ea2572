from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django.db import connection, models

from accounts.models import Company
from orders.keys import Keys
from orders.persons import Person, search_hashes

if TYPE_CHECKING:
    from orders.models.orders import Order


class SearchWordQuerySet(models.QuerySet["SearchWord"]):
    def add(self, people: Iterable[tuple[Order, Person]], held: Keys) -> None:
        """One statement for any number of words: thousands of parameters take the server four
        times as long as two arrays."""
        found = [
            (term.hash, order.id)
            for order, person in people
            for term in search_hashes(person, held.index_key)
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orders_searchword (company_id, word, order_id)"
                " SELECT %s, * FROM unnest(%s::bytea[], %s::uuid[])",
                [held.company_id, [word for word, _id in found], [_id for word, _id in found]],
            )


class SearchWord(models.Model):
    """A keyed hash of something in a sealed person, so that equality finds the order."""

    pk = models.CompositePrimaryKey("company_id", "word", "order_id")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    word = models.BinaryField(max_length=16)
    order_id = models.UUIDField()

    objects = SearchWordQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index("company", "order_id", name="orders_searchword_of_order"),
        ]
