"""What clause T4 promises of access links, as a model: without a word of how it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from tests.people import Someone


@dataclass(eq=False)
class Link:
    """`orders` is None for all that the maker sees; `named` is let in unconfirmed."""

    id: UUID
    secret: str
    maker: Someone
    orders: set[UUID] | None
    named: Someone | None
    used: bool = False
    confirmed: bool = False
    over: bool = False


@dataclass
class Model:
    """`agents` has each company's orders, and whose each is; `hands` the link that each of support
    has asked with; `away` whoever is deactivated."""

    agents: dict[str, dict[UUID, Someone | None]]
    roles: dict[Someone, str]
    links: list[Link] = field(default_factory=list)
    hands: dict[Someone, Link] = field(default_factory=dict)
    away: set[Someone] = field(default_factory=set)

    def lives(self, link: Link | None) -> bool:
        return link is not None and not link.over and link.maker not in self.away

    def ask(self, link: Link, staff: Someone) -> None:
        opens = self.lives(link) and not link.used and link.named in (None, staff)
        if opens and staff not in self.away and not self.lives(self.hands.get(staff)):
            link.used, link.confirmed = True, link.named is staff
            self.hands[staff] = link

    def confirm(self, link: Link, shown: Someone) -> None:
        if self.lives(link) and self.hands.get(shown) is link:
            link.confirmed = True

    def come_or_go(self, someone: Someone) -> None:
        """Whose maker goes is over, also when he comes back."""
        self.away ^= {someone}
        for link in self.links:
            link.over |= link.maker is someone

    def end(self, staff: Someone) -> None:
        """By hand, or with the session."""
        if link := self.hands.pop(staff, None):
            link.over = True

    def change_role(self, someone: Someone, role: str) -> None:
        if self.roles[someone] != role:
            self.roles[someone] = role
            for link in self.links:
                link.over |= link.maker is someone

    def sees(self, someone: Someone) -> set[UUID]:
        agents = self.agents[someone.places[0][0]]
        everything = self.roles[someone] != "agent"
        return {order for order, agent in agents.items() if everything or agent in (None, someone)}

    def reads(self, staff: Someone) -> set[UUID]:
        link = self.hands.get(staff)
        if link is None or not self.lives(link) or not link.confirmed:
            return set()
        seen = self.sees(link.maker)
        return seen if link.orders is None else seen & link.orders
