"""What nobody should send, into every form and file and to the API: no error of ours, and nobody is
stored whom clause P2 keeps out. `HOSTILE_INPUTS` says how many: a form is one, and so are a line of
a file and a body. `make hostile` sends 50,000, and tells what was answered.

Each goes through the whole of the site, up to its commit, into the web role's database; what it did
is taken back, so that the next finds the same."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st

from accounts import gate
from orders import keys
from orders.lead_bodies import LeadIn
from orders.models import Import, Order
from tests import people
from tests.forms import Form, forms_of
from tests.orders.sending import LEAD, ask, key_of, post
from tests.orders.test_editing import FILLED, LAMP, lines
from tests.orders.uploading import HEAD, filled, id_of, upload, worked
from tests.people import ann, as_, gail, olga, pass_of, prove, sign_in, sue
from tests.policy.spellings import RUSSIA, RUSSIAN

pytestmark = pytest.mark.django_db(transaction=True)

INPUTS = ceil(int(os.environ.get("HOSTILE_INPUTS", "300")) / 3)  # of each kind
NEW = 15  # times as often as any other form of who adds orders
LINES = 20  # of a file
SWEPT = 1_000  # after how many what they left is swept out
LASTING = timedelta(days=1).total_seconds()
UNHURRIED = how(
    deadline=None,
    derandomize=True,  # the same ones each time
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

NASTY = [
    "", " ", "\0", "a\0b", "\ufeff", "\u202egnp.exe", "é" * 5_000, "0" * 400, "-1", "1e309", "NaN",
    "Infinity", "٣٤٥", "½", "9" * 40, "2026-02-30", "0000-00-00", "9999-12-31T23:59", "24:61",
    "' OR 1=1 --", "'; DROP TABLE orders_order; --", "%s %(x)s {0} {{ 7*7 }} ${7*7}", "<script>",
    "=HYPERLINK(1)", "../../etc/passwd", "file:///etc/passwd", "\r\nSet-Cookie: a=b", "\ud7ff",
    "00000000-0000-0000-0000-000000000000", "null", "[]", "{}", "true", "RU", "ZZ", "🇷🇺", "\x1b[2J",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.sampled_from(RUSSIAN),
    st.sampled_from(RUSSIA),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.integers(-(2**70), 2**70).map(str),
    st.dates().map(str),
)
PAGES = {
    gail: ["/orders/", "/orders/new/", "/company/citizenship/", "/password/", "/decline/",
           "/company/departure/", "/account/data/", "/account/deletion/", "/account/factors/app/",
           "/account/factors/passkeys/", "/access/", "{order}"],
    ann: ["/orders/new/", "/orders/import/", "/company/", "/company/policy/", "/company/buyers/",
          "/company/policy/people/", "/company/buyers/retention/", "/company/coverage/", "{order}",
          "/company/closing/", "/company/keys/", "/company/webhooks/", "/company/audit/",
          "{order}edit/"],
    olga: ["/operator/", "/operator/policy/new/", "/operator/jurisdictions/",
           "/operator/disclosures/", "/operator/visits/"],
    sue: ["/support/"],
    None: ["/login/", "/login/password/", "/privacy/"],
}  # fmt: skip
SHARES = {gail: 0.3, ann: 0.45, olga: 0.15, sue: 0.05, None: 0.05}  # of the forms


class Undone(Exception):
    """Takes back what was done."""


@dataclass
class Inputs:
    """Those of one kind, and what came of them. `looking` is a pass of Ann's, who sees all that
    Aurora stores, of which `before` are known."""

    superuser: psycopg.Connection
    looking: str = field(default_factory=lambda: pass_of(ann, lasting=LASTING))
    answers: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    stored: int = 0

    def __post_init__(self) -> None:
        self.before = self.orders()

    @contextmanager
    def one(self, worth: int = 1) -> Iterator[None]:
        try:
            with transaction.atomic():
                yield
                raise Undone
        except Undone:
            self.sent += worth
        if self.sent % SWEPT < worth:
            self.superuser.execute("VACUUM")

    def bears(self, answer: Any, sent: object, *expected: int) -> None:
        """No error of ours, nor another answer than expected; and where something was done, nobody
        who is prohibited is stored."""
        self.answers[answer.status_code] += 1
        assert answer.status_code in expected or (not expected and answer.status_code < 500), sent
        if answer.status_code in (201, 302):
            self.look()

    def look(self) -> None:
        self.stored += self.orders() - self.before

    def orders(self) -> int:
        """How many Aurora has, none of somebody who is prohibited, by their own reading."""
        with gate.carrying(self.looking) as by:
            held = keys.held(by)
            assert held
            found = list(Order.objects.only("id", "person", "citizenship", "country"))
            for order in found:
                phone = held.open_person(order.person, order.id).phone
                assert "RU" not in (order.citizenship, order.country)
                assert order.citizenship or not phone.startswith(("+73", "+74", "+78", "+79"))
        return len(found)

    def told(self) -> str:
        answers = [f"{number:,} of {status}" for status, number in sorted(self.answers.items())]
        return (
            f"{self.sent:,} inputs; answers: {', '.join(answers)};"
            f" {self.stored:,} orders stored, none prohibited"
        )


@pytest.fixture
def inputs(
    request: pytest.FixtureRequest,
    superuser: psycopg.Connection,
    record_property: Callable[[str, object], None],
) -> Iterator[Inputs]:
    """Their refusals are not logged: there are tens of thousands."""
    logging.disable(logging.WARNING)
    yield (made := Inputs(superuser))
    logging.disable(logging.NOTSET)
    record_property(request.node.name, made.told())


def visitor(someone: people.Someone | None) -> Client:
    client = Client(raise_request_exception=False)
    return sign_in(client, someone) if someone else client


def an_order() -> str:
    with as_(ann) as by:
        found = Order.objects.first()
        assert found and by
        return reverse("orders:card", args=[found.id])


def known_forms(someone: people.Someone | None) -> list[tuple[str, Form]]:
    order, client, found = an_order(), visitor(someone), []
    for page in PAGES[someone]:
        address = page.format(order=order)
        answer = client.get(address, follow=True)
        assert answer.status_code < 500
        found += [
            (form.action or address, form)
            for form in forms_of(answer.content.decode())
            if form.action != "/logout/" and not form.action.startswith("http")
        ]
    new = ("/orders/new/", Form("", True, FILLED | lines(LAMP)))
    return found + [new] * NEW if new[0] in PAGES[someone] else found


@pytest.fixture(autouse=True)
def quick_hasher(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.mark.parametrize(("someone", "share"), SHARES.items(), ids=map(str, SHARES))
def test_forms(someone: people.Someone | None, share: float, inputs: Inputs):
    forms, done = known_forms(someone), set()
    client = visitor(someone)
    session = client.cookies.get("covenant")

    @how(UNHURRIED, max_examples=ceil(INPUTS * share))
    @given(st.sampled_from(range(len(forms))), st.data())
    def send(which: int, data: Any) -> None:
        action, form = forms[which]
        names = sorted(form.fields) or ["q"]
        changed = data.draw(st.dictionaries(st.sampled_from(names), TEXTS, max_size=4))
        client.cookies.clear()
        with inputs.one():
            if someone and session:
                client.cookies["covenant"] = session.value
                prove(session.value, someone, "totp" if someone.has_rank else "password")
            answer = (client.post if form.posts else client.get)(action, form.fields | changed)
            inputs.bears(answer, (action, changed))
            if answer.status_code < 400:
                done.add(action)

    send()
    assert done
    assert inputs.stored or "/orders/new/" not in PAGES[someone]


CELLS = ("R1", "2026-05-10 10:00", "Ana Pop", "+40 721 234 643", "RO", "Belt", "1", "9.90", "", "")
LINE = st.builds(
    lambda changed: [changed.get(place, cell) for place, cell in enumerate(CELLS)],
    st.dictionaries(st.integers(0, len(CELLS) - 1), TEXTS, max_size=3),
)
BROKEN = st.tuples(st.integers(0, 5_000), st.binary(max_size=8))


def test_files(inputs: Inputs):
    client = visitor(ann)

    @how(UNHURRIED, max_examples=ceil(INPUTS / LINES))
    @given(
        st.lists(LINE, min_size=LINES, max_size=LINES),
        st.sampled_from(",;\t|"),
        st.sampled_from(["utf-8", "utf-8-sig", "cp1251", "utf-16", "latin-1"]),
        st.none() | BROKEN,
    )
    def send(rows: list[list[str]], mark: str, encoding: str, broken: Any) -> None:
        each_its_own = [[row[0] + str(n), *row[1:]] for n, row in enumerate(rows)]
        text = "\n".join(mark.join(row) for row in [HEAD.split(","), *each_its_own])
        file = text.encode(encoding, "replace")
        if broken:
            at, bytes_ = broken
            file = file[:at] + bytes_ + file[at:]
        with inputs.one(LINES):
            preview_and_start(client, file, inputs)

    send()
    assert inputs.stored


def preview_and_start(client: Client, file: bytes, inputs: Inputs) -> None:
    preview = upload(client, file, step="preview")
    inputs.bears(preview, file)
    if not (preview.context and preview.context.get("mapping")):
        return
    answer = upload(client, file, **filled(preview), step="start")
    inputs.bears(answer, file)
    if answer.status_code == 302:
        with as_(ann):
            run = Import.objects.get(id=id_of(answer))
        worked(run, ann)
        inputs.look()


SAID = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = [*LeadIn.model_fields, "id", "status", "agent", "partner_id"]
BODIES = {
    "leads": st.dictionaries(st.sampled_from(FIELDS), SAID, max_size=4).map(LEAD.__or__),
    "anything": st.one_of(
        st.dictionaries(TEXTS, SAID, max_size=3).map(LEAD.__or__),
        SAID,
        st.binary(max_size=60),
        BROKEN.map(lambda at: json.dumps(LEAD).encode()[: at[0] % 160] + at[1]),
    ),
}
ASKED = st.dictionaries(st.sampled_from(["updated_after", "limit", "q"]), TEXTS, max_size=2)


@pytest.mark.parametrize("bodies", BODIES.values(), ids=BODIES)
def test_bodies(bodies: st.SearchStrategy[Any], settings, inputs: Inputs):
    settings.API_REQUESTS_A_MINUTE = 10**9
    key, client = key_of(), Client(raise_request_exception=False)

    @how(UNHURRIED, max_examples=ceil(INPUTS / len(BODIES)))
    @given(bodies, ASKED)
    def send(body: Any, asked: dict[str, str]) -> None:
        with inputs.one():
            answer = post(key, body, client=client)
            inputs.bears(answer, body, 200, 201, 400, 409, 413, 422)
            assert answer.json()
            inputs.bears(ask(key, client=client, **asked), asked, 200, 422)

    send()
    assert inputs.stored
