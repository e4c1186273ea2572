"""Accepting and declining, as a browser does it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from policy.models import Acceptance
from tests.people import Someone, ann, as_, gail, newt, nina, pat, sign_in
from tests.policy.publications import publish_company, publish_crm, waiting_for

pytestmark = pytest.mark.django_db


def form_of(response, **ticked: bool) -> dict[str, str]:
    """The page's form as a browser would send it, with these documents ticked ("crm", "company"),
    or all."""
    fields = {"next": response.context["next"]}
    for document in response.context["documents"]:
        form = document["form"]
        for field in form.hidden_fields():
            fields[field.html_name] = str(field.value())
        if not ticked or ticked.get(form.prefix):
            fields[f"{form.prefix}-agree"] = "on"
    return fields


def accepted_by(someone: Someone) -> list[tuple[str, int, str]]:
    with as_(someone):
        found = Acceptance.objects.filter(user_id=someone.user.pk).order_by("number")
        return [(a.version.kind, a.version_number, a.language) for a in found]


def test_who_accepts_all_is_back_where_they_were_headed(client: Client) -> None:
    sign_in(client, newt)
    page = client.get(client.get("/orders/?q=1").headers["Location"])
    assert [d["title"] for d in page.context["documents"]] == [
        "Policy of the CRM",
        "Aurora's policy",
    ]
    response = client.post("/accept/", form_of(page))
    assert response.headers["Location"] == "/orders/?q=1"
    assert accepted_by(newt) == [("crm", 1, "en"), ("company", 1, "en")]
    assert waiting_for(newt) == []


def test_what_was_accepted_is_the_text_in_the_language_that_was_shown(client: Client) -> None:
    sign_in(client, newt)
    page = client.get("/accept/?lang=ru")
    assert "Политика CRM" in page.content.decode()
    client.post("/accept/", form_of(page))
    assert accepted_by(newt) == [("crm", 1, "ru"), ("company", 1, "en")]


def test_each_document_is_accepted_by_itself(client: Client) -> None:
    sign_in(client, newt)
    page = client.post("/accept/", form_of(client.get("/accept/"), crm=True))
    assert page.status_code == 200
    assert [d["form"].prefix for d in page.context["documents"]] == ["company"]
    assert page.context["documents"][0]["form"].errors["agree"]
    client.post("/accept/", form_of(page))
    assert waiting_for(newt) == []


def test_an_empty_form_accepts_nothing(client: Client) -> None:
    sign_in(client, newt)
    assert client.post("/accept/", {}).status_code == 200
    assert accepted_by(newt) == []


def test_an_old_form_records_what_was_shown_and_asks_for_the_newer(client: Client) -> None:
    sign_in(client, ann)
    publish_crm("# Second")
    page = client.get("/accept/?next=/company/")
    publish_crm("# Third")
    response = client.post("/accept/", form_of(page))
    assert response.headers["Location"] == "/accept/?next=/company/"
    assert accepted_by(ann)[-1] == ("crm", 2, "en")
    newer = client.get(response.headers["Location"])
    assert "Third" in newer.content.decode()
    assert "newer version" in newer.content.decode()
    assert client.post("/accept/", form_of(newer)).headers["Location"] == "/company/"


@pytest.mark.parametrize(
    "field", ["crm-version", "crm-hash", "crm-language", "crm-shown_at", "company-shown_at"]
)
def test_a_form_that_was_changed_on_its_way_is_shown_anew(client: Client, field: str) -> None:
    sign_in(client, newt)
    fields = form_of(client.get("/accept/"))
    fields[field] = "ffffffff-ffff-7fff-bfff-ffffffffffff" if "version" in field else "changed"
    assert client.post("/accept/", fields).headers["Location"].startswith("/accept/")
    kind = field.partition("-")[0]
    assert kind not in [accepted[0] for accepted in accepted_by(newt)]


def test_another_persons_form_is_refused(client: Client) -> None:
    publish_crm()
    fields = form_of(sign_in(client, ann).get("/accept/"))
    assert sign_in(Client(), newt).post("/accept/", fields).status_code == 302
    assert accepted_by(newt) == []


def test_a_form_that_stood_open_for_days_is_shown_anew(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, newt)
    fields = form_of(client.get("/accept/"))
    later = (timezone.now() + timedelta(days=2)).timestamp()
    monkeypatch.setattr(signing.time, "time", lambda: later)
    client.post("/accept/", fields)
    monkeypatch.undo()
    assert accepted_by(newt) == []


@pytest.mark.parametrize("address", ["http://evil.example/", "//evil.example/", "/\\evil.example"])
def test_nobody_is_led_off_the_site(client: Client, address: str) -> None:
    sign_in(client, ann)
    assert client.get("/accept/", {"next": address}).headers["Location"] == "/orders/"
    assert client.post("/accept/", {"next": address}).headers["Location"] == "/orders/"


def test_what_changed_is_said_since_the_version_accepted_last(client: Client) -> None:
    publish_crm("# Second", summaries={"en": "Cookies are gone."}, material=False)
    publish_crm("# Third", summaries={"en": "Exports are named."})
    (document,) = sign_in(client, ann).get("/accept/").context["documents"]
    assert not document["first"]
    assert document["summary"] == "Exports are named.\nCookies are gone."
    changed = client.get(document["diff_url"])
    assert changed.context["old"]["number"] == 1
    assert changed.context["new"]["number"] == 3


def test_a_partner_accepts_as_a_partner(client: Client) -> None:
    publish_company(ann, "aurora")
    client.post("/accept/", form_of(sign_in(client, pat).get("/accept/")))
    with as_(pat):
        capacity = Acceptance.objects.get(version_number=2, user_id=pat.user.pk).capacity
    assert capacity == "partner"


def test_without_a_company_the_crms_policy_is_asked_alone(client: Client) -> None:
    publish_crm()
    page = sign_in(client, nina).get("/accept/")
    assert [d["form"].prefix for d in page.context["documents"]] == ["crm"]


def test_declining_shows_the_ways_out_and_records_nothing(client: Client) -> None:
    page = sign_in(client, newt).get("/decline/")
    assert page.status_code == 200
    assert [way["url"] for way in page.context["ways"] if "url" in way] == [
        "/logout/",
        "/account/data/",
        "/company/departure/",
        "/account/deletion/",
    ]
    assert accepted_by(newt) == []


def test_whoever_declines_may_leave_without_accepting(client: Client) -> None:
    sign_in(client, newt)
    client.post("/company/departure/")
    assert client.get("/orders/").headers["Location"].startswith("/company/choose/")
    assert waiting_for(gail) == []


def test_signed_out_nobody_is_asked_to_accept(client: Client) -> None:
    assert client.get("/accept/").headers["Location"].startswith("/login/")
