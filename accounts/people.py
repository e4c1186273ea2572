"""Who works in a company: what its people page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from accounts.gate import Entry
from accounts.models import Invitation, Membership, Partner, Team
from accounts.names import by_name

MOST_GONE: Final = 200


@dataclass(frozen=True)
class Standing:
    """How somebody stands towards the policies in force."""

    accepted_at: datetime | None = None
    missing: tuple[str, ...] = ()


Named = TypeVar("Named", Team, Partner)
StandingOf = Callable[[Entry], dict[int, Standing]]


def _unknown(entry: Entry) -> dict[int, Standing]:
    return {}


_standing: StandingOf = _unknown


def register_standing(find: StandingOf) -> None:
    """`find` tells the standing of each person of the entry's company, by user id: the policy app
    knows it."""
    global _standing
    _standing = find


HeldBy = Callable[[Entry], dict[UUID, int]]


def _none_held(entry: Entry) -> dict[UUID, int]:
    return {}


_held_by_the_gone: HeldBy = _none_held


def register_held(find: HeldBy) -> None:
    """`find` counts the open orders that are still those of people who left, by membership id: the
    orders' app knows them."""
    global _held_by_the_gone
    _held_by_the_gone = find


@dataclass(frozen=True)
class Roster:
    """`gone` have left, the last first; `held` are the open orders that are theirs all the same."""

    members: list[Membership]
    gone: list[Membership]
    held: dict[UUID, int]
    invitations: list[Invitation]
    teams: list[Team]
    partners: list[Partner]
    standing: dict[int, Standing]

    def place_of(self, member: Membership) -> str:
        """The name of the member's team, or of a partner's member's partner."""
        places: list[Team | Partner] = [*self.teams, *self.partners]
        of = member.partner_id or member.team_id
        return next((place.name for place in places if place.id == of), "")


def roster(entry: Entry) -> Roster:
    """Everybody of the entry's company, in a fixed number of statements. Of those who left only
    whoever manages people is told."""
    own = {"company_id": entry.company_id}
    manages = entry.may("people.manage")
    left = Membership.objects.filter(**own).exclude(left_at=None).select_related("user")
    return Roster(
        gone=list(left.order_by("-left_at")[:MOST_GONE]) if manages else [],
        held=_held_by_the_gone(entry) if manages else {},
        members=list(
            Membership.objects.living()
            .filter(**own)
            .select_related("user")
            .order_by("user__name", "user__email")
        ),
        invitations=list(Invitation.objects.open().filter(**own)),
        teams=_sorted(Team.objects.filter(**own)),
        partners=_sorted(Partner.objects.filter(**own)),
        standing=_standing(entry),
    )


def _sorted(named: Iterable[Named]) -> list[Named]:
    return [each for each, _name in by_name((each, each.name) for each in named)]
