"""Publishing, by page and by command."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from policy import bundled, standing
from policy.models import Policy, PolicyVersion
from policy.revisions import NotNew
from tests.people import adam, ann, as_, gail, newt, olga, sign_in
from tests.policy.publications import (
    approve_crm,
    draft_of_crm,
    publish_aurora,
    publish_crm,
    waiting_for,
)

pytestmark = pytest.mark.django_db

ADDRESS = "/operator/policy/new/crm/"
CLAUSES = {"site": "S1 S2", "crm": "C1 C2 K1 K2 T1 T2 T3 T4 T5 P1 P2 D1 D2 R1 R2"}


def latest(kind: str = "crm", slug: str | None = None) -> PolicyVersion:
    with as_(ann):
        return PolicyVersion.objects.of(kind, slug).latest("number")


def seal() -> str:
    with as_(olga):
        return draft_of_crm().seal


def publish(client: Client, fields: dict[str, str]) -> HttpResponse:
    """Through the operator's pages, with the other's approval."""
    sign_in(client, olga).post(ADDRESS, fields)
    approve_crm()
    return client.post(f"{ADDRESS}publication/", {"seal": seal()})


def test_the_operator_starts_from_the_text_in_force_and_publishes_another(client: Client) -> None:
    page = sign_in(client, olga).get(ADDRESS)
    assert page.context["form"]["body_ru"].value() == bundled.texts("crm")["ru"]
    fields = {"body_en": "# Rules\n\nBe kind.", "summary_en": "All of it.", "material": "on"}
    assert client.post(ADDRESS, fields).headers["Location"] == f"{ADDRESS}publication/"
    approve_crm()
    response = client.post(f"{ADDRESS}publication/", {"seal": seal()})
    assert response.headers["Location"] == "/policy/versions/2/"
    assert latest().published_by_id == olga.user.pk
    assert waiting_for(ann) == [("crm", 2)]


def test_a_correction_and_a_moment_to_come_are_the_operators_choice(client: Client) -> None:
    moment = (timezone.now() + timedelta(days=3)).replace(second=0, microsecond=0)
    publish(client, {"body_en": "# Rules", "effective_at": moment.strftime("%Y-%m-%dT%H:%M")})
    assert (latest().number, latest().material, latest().effective_at) == (2, False, moment)
    assert waiting_for(ann) == []


def test_a_preview_publishes_nothing(client: Client) -> None:
    page = sign_in(client, olga).post(
        f"{ADDRESS}preview/", {"body_en": "# Rules\n\n<script>alert(1)</script>"}
    )
    assert "&lt;script&gt;" in page.content.decode()
    assert "<script>alert" not in page.content.decode()
    assert latest().number == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"body_en": "", "body_ru": " "},
        {"body_en": "# Rules", "effective_at": "never"},
        {"body_en": "# Rules", "effective_at": "9999-12-31T23:59"},
        {"body_en": "# Rules of [[company]]"},
        {"body_en": "# Nul \x00"},
        {"body_en": "x" * 200_001},
    ],
)
def test_a_bad_form_says_so_and_publishes_nothing(client: Client, fields: dict[str, str]) -> None:
    page = sign_in(client, olga).post(ADDRESS, {"material": "on", **fields})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert latest().number == 1


def test_a_version_that_would_overtake_an_announced_one_is_refused_in_words(client: Client) -> None:
    publish_crm(effective_at=timezone.now() + timedelta(days=1))
    page = sign_in(client, olga).post(ADDRESS, {"body_en": "# Sooner"})
    assert "cannot overtake" in page.context["form"].errors["effective_at"][0]


def given(texts: dict[str, str], **changed: str) -> dict[str, str]:
    """The form's fields as a browser sends them, its lines ending in CR LF."""
    bodies = {f"body_{language}": body.replace("\n", "\r\n") for language, body in texts.items()}
    return {**bodies, "summary_en": "Kept words.", "material": "on", **changed}


def test_a_version_in_which_nothing_has_changed_is_refused(client: Client) -> None:
    page = sign_in(client, olga).post(ADDRESS, given(bundled.texts("crm")))
    errors = page.context["form"].errors
    assert set(errors) == {"body_en", "body_ru"}
    assert errors["body_en"][0].startswith("Nothing has changed:")
    assert "Kept words." in page.content.decode()
    assert latest().number == 1


def test_a_language_left_behind_is_named_and_nothing_is_lost(client: Client) -> None:
    page = sign_in(client, olga).post(ADDRESS, given(bundled.texts("crm"), body_en="# Rules, anew"))
    errors = page.context["form"].errors
    assert set(errors) == {"body_ru"}
    assert "Russian" in errors["body_ru"][0]
    assert all(words in page.content.decode() for words in ("# Rules, anew", "Kept words."))
    assert latest().number == 1


def test_a_translation_may_be_added_to_an_unchanged_text(client: Client) -> None:
    publish_crm("# Rules")
    publish(client, {"body_en": "# Rules", "body_ru": "# Правила"})
    assert latest().number == 3


def test_a_company_does_not_publish_the_same_again_either(client: Client) -> None:
    publish_aurora(client, {"body_en": "# Aurora's, anew", "countries": "RO"})
    page = client.post("/company/policy/", {"body_en": "# Aurora's, anew", "countries": "RO"})
    assert "Nothing has changed:" in page.context["form"].errors["body_en"][0]
    assert latest("company", "aurora").number == 2


def test_who_runs_a_company_makes_the_template_its_own(client: Client) -> None:
    page = sign_in(client, adam).get("/company/policy/")
    assert page.status_code == 200
    response = publish_aurora(
        client, {"body_en": "# Aurora's, anew", "countries": "RO", "material": "on", "kind": "crm"}
    )
    assert response.headers["Location"] == "/c/aurora/policy/versions/2/"
    assert latest("company", "aurora").number == 2
    assert latest("company", "borealis").number == latest().number == 1


def test_a_companys_policy_is_nobody_elses_to_publish(client: Client) -> None:
    for somebody in (gail, olga):
        sign_in(client, somebody).post("/company/policy/", {"body_en": "# Mine"})
    assert latest("company", "aurora").number == 1
    assert sign_in(client, ann).post(ADDRESS, {"body_en": "# Mine"}).status_code == 403
    assert latest().number == 1


def test_the_companys_people_page_shows_who_has_not_accepted(client: Client) -> None:
    with as_(ann) as entry:
        found = standing.of_company(entry)
        assert len(found[newt.user.pk].missing) == 2
        assert found[gail.user.pk].accepted_at
        assert not found[gail.user.pk].missing
    with as_(gail) as entry:
        assert standing.of_company(entry) == {}


def test_the_template_is_filled_with_what_is_known_and_the_rest_stays_to_be_seen() -> None:
    texts = bundled.company_texts(company="Aurora", legal_ground="our contract with you")
    assert set(texts) == {"en", "ru"}
    assert all("Aurora" in text and "our contract with you" in text for text in texts.values())
    assert "[[address]]" in texts["en"]


@pytest.mark.parametrize(("kind", "clauses"), CLAUSES.items())
def test_the_bundled_texts_hold_their_clauses_in_both_languages(kind: str, clauses: str) -> None:
    for text in bundled.texts(kind).values():
        assert re.findall(r"\{#([A-Z]\d)\}", text) == clauses.split()


@pytest.mark.django_db(transaction=True)
def test_the_bundled_texts_are_published_once(owner) -> None:
    with_owner("publish_bundled")
    assert latest().number == 1
    assert latest().bundled


@pytest.mark.django_db(transaction=True)
def test_a_text_of_the_operators_own_is_not_replaced_by_the_bundled_one(
    owner, tmp_path: Path
) -> None:
    own = tmp_path / "own.md"
    own.write_text("# Our own rules", encoding="utf-8")
    with_owner("publish_policy", "--kind=crm", f"--lang=en={own}", "--minor")
    assert (latest().number, latest().material) == (2, False)
    with_owner("publish_bundled")
    assert latest().number == 2


@pytest.mark.django_db(transaction=True)
def test_a_command_publishes_no_text_that_is_published_already_or_left_behind(
    owner, tmp_path: Path
) -> None:
    texts = {language: tmp_path / f"{language}.md" for language in ("en", "ru")}
    for file in texts.values():
        file.write_text("# Our own rules", encoding="utf-8")
    publish = ("publish_policy", "--kind=crm", *(f"--lang={k}={v}" for k, v in texts.items()))
    with_owner(*publish)
    texts["en"].write_text("# Our own rules\r\n", encoding="utf-8")
    assert "Nothing has changed" in refused_to_owner(*publish)
    texts["en"].write_text("# Our own rules, anew", encoding="utf-8")
    assert "Russian is unchanged" in refused_to_owner(*publish)
    assert latest().number == 2


def test_nothing_unchanged_is_published_whoever_asks() -> None:
    text = {"en": "# Rules"}
    assert publish_crm(text["en"]).number == 2
    for texts in (text, {"en": " # Rules\r\n"}):
        with pytest.raises(NotNew, match="Nothing has changed"):
            publish_crm(texts=texts)
    assert publish_crm(texts=text | {"ru": "# Правила"}).number == 3
    with pytest.raises(NotNew, match="Russian is unchanged") as refusal:
        publish_crm(texts={"en": "# Rules, anew", "ru": "# Правила"})
    assert list(refusal.value.reasons) == ["ru"]
    assert latest().number == 3


def test_bundled_texts_of_which_one_was_left_behind_are_not_published(monkeypatch) -> None:
    bundle = bundled.texts("crm")
    with as_(olga):
        policy = Policy.objects.of_platform("crm")
        monkeypatch.setattr(bundled, "texts", lambda kind: bundle | {"en": bundle["en"] + "\n"})
        assert bundled.publish(policy) is None
        monkeypatch.setattr(bundled, "texts", lambda kind: bundle | {"en": "# Anew"})
        with pytest.raises(NotNew, match="Russian is unchanged"):
            bundled.publish(policy)
    assert latest().number == 1


@pytest.mark.parametrize("argument", ["en", "xx=policy.md", "en=/nowhere/policy.md"])
def test_a_command_with_a_wrong_file_says_so(argument: str) -> None:
    with pytest.raises(CommandError):
        call_command("publish_policy", "--kind=crm", f"--lang={argument}")


def with_owner(*command: str) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def refused_to_owner(*command: str) -> str:
    """What the command says of why it did nothing."""
    done = run(*command)
    assert done.returncode == 1
    return done.stderr


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: this one's connections are the web role's."""
    return subprocess.run(
        [sys.executable, "manage.py", *command], capture_output=True, text=True, check=False
    )
