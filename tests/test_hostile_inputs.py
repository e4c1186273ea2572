"""What nobody should send, into every form and file and to the API: no error of ours, and nobody is
stored whom clause P2 keeps out. `HOSTILE_INPUTS` says how many: a form is one, and so are a line of
a file and a body."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st

from orders import keys
from orders.lead_bodies import LeadIn
from orders.models import Import, Order
from tests import people
from tests.forms import Form, forms_of
from tests.orders.sending import LEAD, ask, key_of, post
from tests.orders.test_editing import FILLED, LAMP, lines
from tests.orders.uploading import HEAD, filled, id_of, upload, worked
from tests.people import ann, as_, gail, olga, sign_in
from tests.policy.spellings import RUSSIA, RUSSIAN

pytestmark = pytest.mark.django_db

INPUTS = int(os.environ.get("HOSTILE_INPUTS", "300")) // 3  # of each kind
NEW = 15  # times as often as any other form
LINES = 20  # of a file
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
           "/company/departure/", "/account/data/", "/account/deletion/", "{order}"],
    ann: ["/orders/new/", "/orders/import/", "/company/", "/company/policy/", "/company/buyers/",
          "/company/policy/people/", "/company/buyers/retention/", "/company/coverage/", "{order}",
          "/company/closing/", "/company/keys/", "/company/webhooks/",
          "{order}edit/"],
    olga: ["/operator/", "/operator/policy/new/", "/operator/jurisdictions/",
           "/operator/disclosures/", "/operator/visits/"],
    None: ["/login/", "/login/password/", "/privacy/"],
}  # fmt: skip


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def visitor(someone: people.Someone | None) -> Client:
    client = Client(raise_request_exception=False)
    return sign_in(client, someone) if someone else client


def an_order() -> str:
    with as_(ann) as by:
        found = Order.objects.first()
        assert found and by
        return reverse("orders:card", args=[found.id])


def known_forms() -> list[tuple[people.Someone | None, str, Form]]:
    order, found = an_order(), []
    for someone, pages in PAGES.items():
        client = visitor(someone)
        for page in pages:
            address = page.format(order=order)
            answer = client.get(address, follow=True)
            assert answer.status_code < 500
            found += [
                (someone, form.action or address, form)
                for form in forms_of(answer.content.decode())
                if form.action not in ("/logout/",) and not form.action.startswith("http")
            ]
    data = FILLED | lines(LAMP)
    return found + [(who, "/orders/new/", Form("", True, data)) for who in (gail, ann)] * NEW


def nobody_who_is_prohibited() -> None:
    """Asked of what is stored, by its own reading of it."""
    with as_(ann) as by:
        held = keys.held(by)
        assert held
        for order in Order.objects.order_by("-number")[:30]:
            person = held.open_person(order.person, order.id)
            declared = order.citizenship not in ("", "RU")
            assert order.citizenship != "RU" and order.country != "RU"
            assert declared or not person.phone.startswith(("+73", "+74", "+78", "+79"))


@pytest.fixture(autouse=True)
def quick_hasher(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def test_every_form_bears_whatever_is_sent():
    forms = known_forms()
    clients = {someone: visitor(someone) for someone in PAGES}
    stored = []

    @how(UNHURRIED, max_examples=INPUTS)
    @given(st.sampled_from(range(len(forms))), st.data())
    def send(which: int, data: Any) -> None:
        someone, action, form = forms[which]
        names = sorted(form.fields) or ["q"]
        changed = data.draw(st.dictionaries(st.sampled_from(names), TEXTS, max_size=4))
        client = clients[someone]
        with undone():
            sent = client.post if form.posts else client.get
            answer = sent(action, form.fields | changed)
            assert answer.status_code < 500, (action, changed)
            if answer.status_code == 302 and "/orders/" in answer.url:
                stored.append(action)
                nobody_who_is_prohibited()

    send()
    assert {action for _someone, action, _form in forms} >= {"/orders/new/", "/operator/visits/"}
    assert "/orders/new/" in stored


CELLS = ("R1", "2026-05-10 10:00", "Ana Pop", "+40 721 234 643", "RO", "Belt", "1", "9.90", "", "")
LINE = st.builds(
    lambda changed: [changed.get(place, cell) for place, cell in enumerate(CELLS)],
    st.dictionaries(st.integers(0, len(CELLS) - 1), TEXTS, max_size=3),
)
BROKEN = st.tuples(st.integers(0, 5_000), st.binary(max_size=8))


def test_every_file_bears_whatever_stands_in_it():
    client = visitor(ann)
    stored = []

    @how(UNHURRIED, max_examples=max(INPUTS // LINES, 1))
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
        with undone():
            stored.append(preview_and_start(client, file))

    send()
    assert sum(stored) > 0


def preview_and_start(client: Client, file: bytes) -> int:
    """How many orders came of it."""
    preview = upload(client, file, step="preview")
    assert preview.status_code < 500
    if not (preview.context and preview.context.get("mapping")):
        return 0
    answer = upload(client, file, **filled(preview), step="start")
    assert answer.status_code < 500
    if answer.status_code == 302:
        with as_(ann):
            run = Import.objects.get(id=id_of(answer))
        created = worked(run, ann).created
        nobody_who_is_prohibited()
        return created
    return 0


SAID = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = [*LeadIn.model_fields, "id", "status", "agent", "partner_id"]
BODIES = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), SAID, max_size=4).map(LEAD.__or__),
    st.dictionaries(TEXTS, SAID, max_size=3).map(LEAD.__or__),
    SAID,
    st.binary(max_size=60),
    BROKEN.map(lambda at: json.dumps(LEAD).encode()[: at[0] % 160] + at[1]),
)
ASKED = st.dictionaries(st.sampled_from(["updated_after", "limit", "q"]), TEXTS, max_size=2)


def test_the_api_bears_whatever_is_sent(settings):
    settings.API_REQUESTS_A_MINUTE = 10**9
    key, stored = key_of(), []

    @how(UNHURRIED, max_examples=INPUTS)
    @given(BODIES, ASKED)
    def send(body: Any, asked: dict[str, str]) -> None:
        with undone():
            answer = post(key, body)
            assert answer.status_code in (200, 201, 400, 409, 413, 422), body
            assert answer.json()
            if answer.status_code == 201:
                stored.append(answer)
                nobody_who_is_prohibited()
            assert ask(key, **asked).status_code in (200, 422), asked

    send()
    assert stored
