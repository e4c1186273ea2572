"""Attacks on the gate: who holds no right pass reads nothing, whatever else he holds."""

from __future__ import annotations

from uuid import UUID

from django.db import connections, transaction
from django.utils.translation import gettext_lazy as _

from accounts import attacks, audit, chains, gate, guards, heads, trial
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


@proves(
    "D1",
    tried=_(
        "Opened a session of a member's past the sign-in form, and ended it: the company's record "
        "has %(entries)s entries of it. Told it as that member of a sign-in that was none: refused."
    ),
)
def nobody_comes_or_goes_unseen(system: System) -> Figures:
    company = trial.company()
    clerk = trial.member(company, "agent")
    secret = clerk.open_pass()
    with gate.carrying(secret):
        if attacks.attempt(MADE_UP, company.pk, uuid7(), clerk.user.pk):
            raise Broken("a member tells of a sign-in that was none")
        gate.end_pass(secret)
    with system.superuser() as superuser:
        told = superuser.execute(
            "SELECT string_agg(action, ' ' ORDER BY at) FROM accounts_auditentry"
            " WHERE company_id = %s",
            [company.pk],
        ).fetchone()
    if told != ("session.opened session.ended",):
        raise Broken(f"of who came and went the record tells {told}")
    return {"entries": 2}


MADE_UP = ENTRY.replace("person.left", "session.opened")


@proves(
    "D1",
    tried=_(
        "As the database's owner, with every guard lifted: edited an entry of a company's audit, "
        "deleted one, exchanged two, put one in, cut off the end and wrote the whole chain anew, "
        "its end and its kept head included. The verifier named each of %(attacks)s."
    ),
)
def whoever_rewrites_the_record_is_found(system: System) -> Figures:
    company = trial.company()
    clerk = trial.member(company, "agent")
    with clerk.working() as by:  # which is the first entry
        for _each in range(5):
            audit.record(by=by, action="person.left")
    heads.keep()
    if found := list(chains.problems(company, {})):
        raise Broken(f"the audit does not hold before it is attacked: {found[0]}")
    for attack, (tampering, named) in TAMPERINGS_AS_OWNER.items():
        found = found_after(tampering, company)
        if not any(problem.startswith(named) for problem in found):
            raise Broken(f"{attack}: the verifier names {found or 'nothing'}")
    return {"attacks": len(TAMPERINGS_AS_OWNER)}


LIFTED = """
ALTER TABLE accounts_auditchain DROP CONSTRAINT accounts_auditchain_entry,
    DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY;
DROP INDEX accounts_auditchain_entry_once;
ALTER TABLE accounts_auditentry DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_audithead DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY;
"""
EDITED = """
UPDATE accounts_auditentry e SET action = 'person.joined' FROM accounts_auditchain c
 WHERE c.entry_id = e.id AND c.company_id = :company AND c.number = 3;
"""
DELETED = """
DELETE FROM accounts_auditentry e USING accounts_auditchain c
 WHERE c.entry_id = e.id AND c.company_id = :company AND c.number = 3;
DELETE FROM accounts_auditchain c WHERE c.company_id = :company AND c.number = 3;
"""
EXCHANGED = """
UPDATE accounts_auditchain c SET entry_id = o.entry_id FROM accounts_auditchain o
 WHERE c.company_id = :company AND o.company_id = :company
   AND (c.number, o.number) IN ((2, 4), (4, 2));
"""
PUT_IN = """
INSERT INTO accounts_auditentry (company_id, id, at, actor_id, action, object_type, object_name,
    changes)
SELECT company_id, gen_random_uuid(), at, actor_id, action, '', '', '{}'
  FROM accounts_auditentry WHERE company_id = :company LIMIT 1;
"""
REWRITTEN = """
DO $$
DECLARE last text := ''; c record;
BEGIN
    UPDATE accounts_auditentry SET action = 'person.joined' WHERE company_id = :company;
    FOR c IN SELECT l.number, gate.entry_digest(e) AS digest
               FROM accounts_auditchain l JOIN accounts_auditentry e
                 ON e.company_id = l.company_id AND e.id = l.entry_id
              WHERE l.company_id = :company ORDER BY l.number LOOP
        UPDATE accounts_auditchain l
           SET previous_hash = last, hash = gate.chain_hash(c.number, last, c.digest)
         WHERE l.company_id = :company AND l.number = c.number RETURNING hash INTO last;
    END LOOP;
    UPDATE gate.chain_end SET hash = last WHERE company_id = :company;
END $$;
"""
FORGED_HEAD = """
UPDATE accounts_audithead h SET hash = c.hash FROM accounts_auditchain c
 WHERE h.company_id = :company AND c.company_id = :company AND c.number = h.number;
"""
CUT = """
DELETE FROM accounts_auditentry e USING accounts_auditchain c
 WHERE c.entry_id = e.id AND c.company_id = :company AND c.number > 4;
DELETE FROM accounts_auditchain c WHERE c.company_id = :company AND c.number > 4;
UPDATE gate.chain_end n SET number = c.number, hash = c.hash FROM accounts_auditchain c
 WHERE n.company_id = :company AND c.company_id = :company AND c.number = 4;
"""
# What is done, and how the verifier begins to name it.
TAMPERINGS_AS_OWNER = {
    "edited": (EDITED, "entry 3 "),
    "deleted": (DELETED, "entry 3: deleted"),
    "exchanged": (EXCHANGED, "entry 2 "),
    "put in": (PUT_IN, "entry "),
    "cut off": (CUT, "entry 5: cut off"),
    "written anew": (REWRITTEN, "entry 6"),
    "written anew with a forged head": (REWRITTEN + FORGED_HEAD, "head 6: not signed"),
}


def found_after(tampering: str, company: Company) -> list[str]:
    """What the verifier says of the company's audit after that; undone at the end."""
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute(LIFTED)
        cursor.execute(tampering.replace(":company", str(company.pk)))
        found = list(chains.problems(company, {}))
        transaction.set_rollback(True, using=OWNER)
    return found


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
