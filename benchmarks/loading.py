"""Filling both databases with the same orders, in bulk, as a superuser and with triggers off.

What is measured is read through the front door; only the filling goes around it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
from django.test import Client
from django.utils import timezone

from accounts import founding, gate, grants
from accounts.access import FIELDS
from accounts.models import Company, Membership, Partner, User
from benchmarks import made_up
from benchmarks.cluster import ROOT, Servers
from benchmarks.made_up import MadeUp
from orders import keys
from orders.keys import PERSON, Keys
from orders.models import Offer
from policy import bundled
from policy.models import Policy, PolicyVersion

COLUMNS = (
    "company_id, id, number, status, version, external_id, country, citizenship, person,"
    " phone_hash, phone_country, offer_id, partner_id, agent_id, team_id, currency, total,"
    " attempts, recall_at, reason, source, created_at, updated_at"
)
NULL = r"\N"
MEMBERS = 10  # of each company that is not measured
OTHERS = """
WITH company AS (
    INSERT INTO accounts_company (id, name, slug, country, currency, time_zone, created_at)
    SELECT n, 'Company ' || n, 'company-' || n, '', 'EUR', 'UTC', now()
      FROM generate_series(%(after)s::bigint + 1, %(after)s::bigint + %(count)s) n
    RETURNING id
), person AS (
    INSERT INTO accounts_user (id, email, name, password, language, is_active, is_support,
                               is_superuser, date_joined)
    SELECT 1000000 + c.id * %(members)s + n, format('member%%s@company-%%s.example', n, c.id),
           'Member ' || n, '!', '', true, false, false, now()
      FROM company c, generate_series(1, %(members)s) n
    RETURNING id, (id - 1000001) / %(members)s AS company_id
), place AS (
    INSERT INTO accounts_membership (company_id, id, user_id, role, joined_at)
    SELECT company_id, gen_random_uuid(), id, 'agent', now() FROM person
), pass AS (
    INSERT INTO accounts_pass (hash, kind, user_id, company_id, data, created_at, expires_at)
    SELECT sha256(int8send(id)), 'session', id, company_id, '{}', now(), now() + '1 day'
      FROM person
)
INSERT INTO policy_acceptance (id, user_id, version_id, version_number, language, text_hash,
                               capacity, shown_at, accepted_at, number, previous_hash, hash)
SELECT gen_random_uuid(), p.id, v.id, v.number, 'en', '', 'member', now(), now(), 1, '', ''
  FROM person p, policy_policyversion v WHERE v.kind = 'crm'
"""


@dataclass(frozen=True)
class Measured:
    """A company that is measured, its owner, and the cookies of the owner here and there."""

    name: str
    orders: int
    company: Company
    owner: User
    members: list[Membership]
    offers: list[str]
    partners: list[str]
    keys: Keys
    cookie: str = ""
    usual_cookie: str = ""


@dataclass(frozen=True)
class World:
    """`support` is the cookie of somebody of support's, let into all of the small company's orders
    to see all of their buyers."""

    orders: int
    companies: int
    large: Measured
    small: Measured
    support: str


def load(servers: Servers) -> World:
    orders = int(os.environ.get("BENCH_ORDERS", "1000000"))
    companies = int(os.environ.get("BENCH_COMPANIES", "2000"))
    counts = made_up.sizes(orders, companies)
    large, small = found("large", counts[0]), found("small", counts[1])
    usual = _start_usual(orders, companies)  # meanwhile, on the other core
    with psycopg.connect(servers.superuser, autocommit=True) as superuser:
        _found_others(superuser, small.company.pk, companies - 2)
        ids = [large.company.pk, small.company.pk]
        ids += range(small.company.pk + 1, small.company.pk + companies - 1)
        with _bulk(superuser, "orders_order"):
            _copy(superuser, made_up.orders(counts), ids, [large, small])
        superuser.execute("VACUUM ANALYZE")
    cookies = _cookies_of(usual)
    small = replace(small, cookie=_signed_in(small.owner), usual_cookie=cookies["small"])
    return World(
        sum(counts),
        companies,
        replace(large, cookie=_signed_in(large.owner), usual_cookie=cookies["large"]),
        small,
        _let_in(small),
    )


def found(name: str, orders: int) -> Measured:
    """A company as any: founded, its policies accepted by its owner, with people and offers."""
    company = founding.found_company(name=name.title(), slug=name, currency="EUR")
    owner = founding.register(f"owner@{name}.example", name="Owner")
    founding.enrol(owner, company, "owner")
    with working(owner, company) as by:
        _accept(by)
        Policy.objects.of_company(company.pk).publish(by=by, texts=bundled.company_texts())
        _accept(by)
        held = keys.provided(by)
        offers = Offer.objects.named([f"Offer {n:02}" for n in range(made_up.OFFERS)], by=by)
        partners = [
            Partner.objects.create(company_id=company.pk, name=f"Partner {n}").id
            for n in range(made_up.PARTNERS)
        ]
    members = [
        founding.enrol(founding.register(f"agent{n}@{name}.example", name=f"Agent {n}"), company,
                       "agent")
        for n in range(made_up.AGENTS)
    ]  # fmt: skip
    return Measured(
        name, orders, company, owner, members, [str(offer) for _, offer in sorted(offers.items())],
        [str(partner) for partner in partners], held,
    )  # fmt: skip


@contextmanager
def working(user: User, company: Company) -> Iterator[gate.Entry]:
    secret = gate.new_secret()
    until = timezone.now() + timezone.timedelta(hours=2)
    with gate.vouching():
        gate.open_pass(secret, kind="session", user_id=user.pk, company_id=company.pk, until=until)
    with gate.carrying(secret) as by:
        yield by


def _accept(by: gate.Entry) -> None:
    for version in PolicyVersion.objects.waiting_for(by.user_id, by.company_id):
        version.accept(by=by, language="en", shown_at=timezone.now())


def _found_others(superuser: psycopg.Connection, after: int, count: int) -> None:
    """Companies that only take up room, with members who have accepted everything and are signed
    in: the gate finds its few rows among theirs. Nobody holds a secret to those passes."""
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(OTHERS, {"after": after, "count": count, "members": MEMBERS})
    superuser.execute("RESET session_replication_role")


@contextmanager
def _bulk(superuser: psycopg.Connection, table: str) -> Iterator[None]:
    """Without triggers, and with the indexes made at the end."""
    indexes = superuser.execute(
        "SELECT indexname, indexdef FROM pg_indexes i WHERE tablename = %s AND NOT EXISTS"
        " (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)", [table]
    ).fetchall()  # fmt: skip
    superuser.execute("SET session_replication_role = replica")
    for name, _definition in indexes:
        superuser.execute(f'DROP INDEX "{name}"')
    yield
    for _name, definition in indexes:
        superuser.execute(definition)
    superuser.execute("RESET session_replication_role")


def _copy(
    superuser: psycopg.Connection,
    orders: Iterator[MadeUp],
    ids: list[int],
    measured: list[Measured],
) -> None:
    """A measured company's persons are sealed with its key; the others' are as many random bytes,
    since nobody holds a key to them."""
    people = [person.to_bytes() for person in made_up.people()]
    noise = os.urandom(1 << 16)
    with superuser.cursor().copy(f"COPY orders_order ({COLUMNS}) FROM STDIN") as copy:
        for order in orders:
            place = order.person * 13
            if order.company < len(measured):
                company = measured[order.company]
                person = company.keys.seal(people[order.person], row_id=order.id, purpose=PERSON)
                at = company.offers, company.partners, [str(m.id) for m in company.members]
            else:
                person, at = noise[place % 60_000 :][:190], ([], [], [])
            copy.write(_line(order, ids[order.company], person, noise[place % 60_000 :][:16], *at))


def _line(
    order: MadeUp, company: int, person: bytes, phone_hash: bytes,
    offers: list[str], partners: list[str], members: list[str],
) -> str:  # fmt: skip
    def named(place: int, ids: list[str]) -> str:
        return ids[place] if ids and place >= 0 else NULL

    created = order.created_at.isoformat()
    values = (
        str(company), str(order.id), str(order.number), order.status, "1", "", "RO", "",
        rf"\\x{person.hex()}", rf"\\x{phone_hash.hex()}", "RO", named(order.offer, offers),
        named(order.partner, partners), named(order.agent, members), NULL, "EUR", order.total,
        str(order.attempts), order.recall_at.isoformat() if order.recall_at else NULL, "", "api",
        created, created,
    )  # fmt: skip
    return "\t".join(values) + "\n"


def _start_usual(orders: int, companies: int) -> "subprocess.Popen[str]":
    """The usual page's database is filled by a process of its own: it has other settings."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.usual", str(orders), str(companies)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.usual.settings"},
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _cookies_of(usual: "subprocess.Popen[str]") -> dict[str, str]:
    said, _ = usual.communicate()
    if usual.returncode:
        raise RuntimeError("The usual page's database was not filled.")
    return json.loads(said)


def _signed_in(user: User) -> str:
    client = Client()
    with gate.vouching():
        client.force_login(user)
    [cookie] = client.cookies.values()
    return f"{cookie.key}={cookie.value}"


def _let_in(measured: Measured) -> str:
    staff = founding.register("support@bench.example", name="Support", support=True)
    name, _, own = _signed_in(staff).partition("=")
    _, _, makers = measured.cookie.partition("=")
    gate.prove_pass(makers, user_id=measured.owner.pk, proof="password")
    with gate.carrying(makers) as by:
        grant, link = grants.make(by=by, reason="Measuring", fields=FIELDS, lasting=grants.LONGEST)
    gate.prove_pass(own, user_id=staff.pk, proof="totp")
    another = gate.new_secret()
    with gate.carrying(own) as by:
        _accept(by)
        asked = grants.ask_with_link(link, another=another)
    with gate.carrying(makers):
        confirmed = grants.confirm(grant.id, staff_id=staff.pk)
    if not (asked and confirmed):
        raise RuntimeError("Support was not let in.")
    return f"{name}={another}"
