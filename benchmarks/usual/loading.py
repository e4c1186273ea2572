"""Fills the usual page's database: the same orders, with the buyers in plain columns."""

import json
import os

import psycopg
from django.test import Client

from accounts.models import User
from benchmarks import made_up
from benchmarks.usual.models import Company, Member, Offer, Order, Partner

COLUMNS = (
    "company_id, id, number, status, version, external_id, country, citizenship, name, phone,"
    " email, address, city, comment, offer_id, partner_id, agent_id, currency, total, attempts,"
    " recall_at, reason, source, created_at, updated_at"
)
NULL = r"\N"


def main(orders: int, companies: int) -> None:
    """Prints, as JSON, the cookie of each measured company's owner."""
    counts = made_up.sizes(orders, companies)
    Company.objects.bulk_create(Company(name=f"Company {n}") for n in range(companies))
    ids = list(Company.objects.order_by("id").values_list("id", flat=True))
    measured = [Peopled(ids[0], "large"), Peopled(ids[1], "small")]
    with psycopg.connect(os.environ["USUAL_DATABASE_URL"], autocommit=True) as connection:
        fill(connection, counts, ids, measured)
    print(json.dumps({company.name: company.cookie() for company in measured}))


class Peopled:
    """A measured company, with people, offers and partners."""

    def __init__(self, company_id: int, name: str) -> None:
        self.name = name
        self.owner = User.objects.create_user(f"owner@{name}.example", name="Owner")
        Member.objects.create(company_id=company_id, user=self.owner, role="owner")
        self.members = [
            Member.objects.create(
                company_id=company_id,
                user=User.objects.create_user(f"agent{n}@{name}.example", name=f"Agent {n}"),
                role="agent",
            ).pk
            for n in range(made_up.AGENTS)
        ]
        self.offers = [
            Offer.objects.create(company_id=company_id, name=f"Offer {n:02}").pk
            for n in range(made_up.OFFERS)
        ]
        self.partners = [
            Partner.objects.create(company_id=company_id, name=f"Partner {n}").pk
            for n in range(made_up.PARTNERS)
        ]

    def cookie(self) -> str:
        client = Client()
        client.force_login(self.owner)
        [cookie] = client.cookies.values()
        return f"{cookie.key}={cookie.value}"


def fill(
    connection: psycopg.Connection, counts: list[int], ids: list[int], measured: list[Peopled]
) -> None:
    people = made_up.people()
    names = [index.name for index in Order._meta.indexes]
    definitions = connection.execute(
        "SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [names]
    ).fetchall()
    for name in names:
        connection.execute(f"DROP INDEX {name}")
    with connection.cursor().copy(f"COPY usual_order ({COLUMNS}) FROM STDIN") as copy:
        for order in made_up.orders(counts):
            company = measured[order.company] if order.company < len(measured) else None
            copy.write(line(order, ids[order.company], people[order.person], company))
    for (definition,) in definitions:
        connection.execute(definition)
    connection.execute("VACUUM ANALYZE")


def line(
    order: made_up.MadeUp, company_id: int, person: made_up.Person, company: Peopled | None
) -> str:
    def named(place: int, ids: list[int]) -> str:
        return str(ids[place]) if place >= 0 else NULL

    created = order.created_at.isoformat()
    at = (NULL, NULL, NULL)
    if company:
        at = (
            named(order.offer, company.offers), named(order.partner, company.partners),
            named(order.agent, company.members),
        )  # fmt: skip
    values = (
        str(company_id), str(order.id), str(order.number), order.status, "1", "", "RO", "",
        person.name, person.phone, person.email, person.address, person.city, "", *at, "EUR",
        order.total, str(order.attempts),
        order.recall_at.isoformat() if order.recall_at else NULL, "", "api", created, created,
    )  # fmt: skip
    return "\t".join(values) + "\n"
