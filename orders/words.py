"""What an order says in words, in which somebody may be named: its buyer, or somebody else.

What is cut out are telephones and e-mails; the rest of a wish or an address is the order's own.
Rejected: to empty the whole field, as a comment goes whole. It would take another buyer's address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from orders.buyers import Buyer
from orders.intake import ItemDraft
from orders.persons import Person

FIELDS: Final = ("name", "email", "address", "city", "comment")  # a telephone has its hash


@dataclass(frozen=True, repr=False)
class Words:
    person: Person
    items: Sequence[ItemDraft]

    def __repr__(self) -> str:
        return "<Words>"

    def said(self) -> dict[str, str]:
        """Field (of `timeline.FIELDS`) -> text, of those that are filled."""
        texts = {name: getattr(self.person, name) for name in FIELDS}
        texts["extra"] = "\n".join(map(": ".join, self.person.extra.items()))
        texts["items"] = "\n".join(item.name for item in self.items)
        return {name: text for name, text in texts.items() if text}

    def naming(self, buyer: Buyer) -> dict[str, str]:
        """Those that name the buyer."""
        return {name: text for name, text in self.said().items() if buyer.is_named_in(text)}

    def without(self, buyer: Buyer) -> Words:
        cut = buyer.cut_from
        fields = {name: cut(getattr(self.person, name)) for name in FIELDS}
        extra = {cut(name): cut(said) for name, said in self.person.extra.items()}
        items = [replace(item, name=cut(item.name)) for item in self.items]
        return Words(replace(self.person, **fields, extra=extra), items)
