"""Attacks on the gate: who holds no right pass reads nothing, whatever else he holds."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts import attacks, gate, guards, trial
from accounts.attacks import Settings, vouched
from accounts.founding import OWNER
from accounts.models import Company, User
from accounts.proving import EITHER, RUNNING, Broken, Figures, System, proves, undone

MANY = 10  # of a great number, so many companies and staff are tried


@proves(
    "T1", "T3", "T4",
    tried=_(
        "Asked for every table of %(companies)s companies in SQL, with the web role's password and "
        "the application's key, as nobody, as %(ranks)s of the staff and operators, and with "
        "settings made up: %(asked)s statements, 0 rows."
    ),
    where=EITHER,
)  # fmt: skip
def no_rank_reads_an_order(system: System) -> Figures:
    staff = list(User.objects.using(OWNER).filter(is_active=True).exclude(
        is_support=False, is_superuser=False).order_by("pk")[:MANY])  # fmt: skip
    companies = list(Company.objects.using(OWNER).order_by("pk")[:MANY])
    asked = 0
    with undone():
        passes = {f"the staff's account {user.pk}": user.pk for user in staff}
        for company in companies:
            for who, settings in intruders(passes, company.pk):
                attacks.present(settings)
                asked += sum(attacks.read(table, who) for table in attacks.tables())
    return {"companies": len(companies), "ranks": len(staff), "asked": asked}


def intruders(staff: dict[str, int], company_id: int) -> Iterator[tuple[str, Settings]]:
    """Who is no member of the company, and what they could bring to the database."""
    claim = str(company_id)
    yield "the web role's password", {"gate.company": claim}
    yield "the application's key", vouched(company_id=company_id)
    yield "a pass made up", vouched(gate.new_secret(), company_id)
    yield "a visitor's session", vouched(trial.pass_of(None), company_id)
    yield (
        "settings made up",
        vouched(company_id=company_id)
        | {"gate.user_id": "1", "gate.role": "owner", "gate.superuser": "on"},
    )
    for who, user_id in staff.items():
        yield who, vouched(trial.pass_of(user_id, company_id), company_id)


@proves(
    "C1", "C2", "T1", "T3", "T4", "P2", "D1", "D2",
    tried=_(
        "Compared every row rule, right, trigger, function and constraint of the running database "
        "with those of the copy: %(guards)s, all the same."
    ),
    where=RUNNING,
)  # fmt: skip
def guards_stand_as_the_code_puts_them(system: System) -> Figures:
    here = guards.guards()
    if found := guards.differences(here, system.guards):
        raise Broken(f"the running database is not what the code makes: {'; '.join(found[:5])}")
    return {"guards": len(here)}
