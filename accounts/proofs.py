"""Attacks on the gate: who holds no right pass reads nothing, whatever else he holds."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts import attacks, guards, trial
from accounts.attacks import vouched
from accounts.founding import OWNER
from accounts.identifiers import uuid7
from accounts.models import Company, User
from accounts.proving import EITHER, RUNNING, Broken, Figures, System, proves, undone
from accounts.trial import Somebody

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
        for company in companies:
            ranks = [
                (f"the staff's account {user.pk}", vouched(trial.pass_of(user.pk), company.pk))
                for user in staff
            ]
            for who, settings in [*attacks.intruders(company.pk), *ranks]:
                attacks.present(settings)
                asked += sum(attacks.read(table, who) for table in attacks.tables())
    return {"companies": len(companies), "ranks": len(staff), "asked": asked}


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


@proves(
    "C2", "D1",
    tried=_(
        "Wrote into the record as a member, in another's name: refused. Under a false name and at "
        "a false time: the database put both right. Changed, deleted and emptied the record as the "
        "web's role and as the database's owner: refused %(times)s times."
    ),
)  # fmt: skip
def the_record_is_only_added_to(system: System) -> Figures:
    company = trial.company()
    member, other = trial.member(company, "agent"), trial.member(company, "admin")
    with member.working():
        if attacks.attempt(ENTRY, company.pk, uuid7(), other.user.pk):
            raise Broken("a member makes an entry in another's name")
        attacks.attempt(ENTRY, company.pk, made := uuid7(), member.user.pk)
    look_at_entry(system, made, member)
    with member.working():
        here = [attacks.refused(tampering) for tampering in TAMPERINGS]
    there = [attacks.refused(tampering, OWNER) for tampering in TAMPERINGS]
    if not all(here + there):
        raise Broken("the record is changed, deleted or emptied")
    return {"times": len(here + there)}


ENTRY = """
INSERT INTO accounts_auditentry (company_id, id, at, actor_id, actor_seal, action, object_type,
    object_name, changes)
VALUES (%s, %s, '2000-01-01', %s, 'Nobody', 'person.left', '', '', '{}')
"""
TAMPERINGS = (
    "UPDATE accounts_auditentry SET action = 'person.joined'",
    "DELETE FROM accounts_auditentry",
    "TRUNCATE accounts_auditentry",
)


def look_at_entry(system: System, entry: UUID, doer: Somebody) -> None:
    with system.superuser() as superuser:
        found = superuser.execute(
            "SELECT n.name, now() - e.at < '1 minute' FROM accounts_auditentry e"
            " JOIN accounts_auditname n ON n.company_id = e.company_id AND n.seal = e.actor_seal"
            " WHERE e.id = %s",
            [entry],
        ).fetchone()
    if found != (doer.user.name, True):
        raise Broken("an entry says what its maker wanted of its name and time")
