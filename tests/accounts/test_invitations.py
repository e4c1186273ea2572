"""An invitation's link is the one way into a company."""

import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Invitation, Membership, Partner, User
from tests.people import PASSWORD, adam, ann, as_, bea, gail, mia, nina, pat, sign_in

pytestmark = pytest.mark.django_db

ANEW = {"name": "Nora", "password": "a-pass-phrase", "repeated": "a-pass-phrase"}


def link_for(email="nora@new.example", role="agent", by=adam, **more):
    response = sign_in(Client(), by).post(
        "/company/invitations/", {"email": email, "role": role, **more}
    )
    assert response.status_code == 200, response.context["invite_form"].errors
    return re.search(r"http://testserver(/invitation/[\w-]{43}/)", response.content.decode())[1]


def roles_of(email):
    with as_(ann) as entry:
        found = Membership.objects.living().filter(company_id=entry.company_id, user__email=email)
        return list(found.values_list("role", flat=True))


def test_who_is_new_joins_by_the_link_and_is_signed_in(client):
    link = link_for()
    page = client.get(link)
    assert page.status_code == 200
    assert page["Referrer-Policy"] == "strict-origin"
    assert "Aurora" in page.content.decode()
    answer = client.post(link, ANEW)
    assert answer["Location"] == "/orders/"
    assert roles_of("nora@new.example") == ["agent"]
    entry = client.get("/policy/").wsgi_request.gate
    assert (entry.user_name, entry.company_slug, entry.role) == ("Nora", "aurora", "agent")


def test_the_inviter_is_told_until_when_the_link_holds(client):
    fields = {"email": "nora@new.example", "role": "agent"}
    page = sign_in(client, adam).post("/company/invitations/", fields)
    with as_(adam):
        until = Invitation.objects.get().expires_at
    assert page.context["fresh_until"] == until
    assert "holds until" in page.content.decode()


def test_opening_the_link_changes_nothing(client):
    link = link_for()
    for _ in range(3):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    assert roles_of("nora@new.example") == []


def test_the_link_opens_once(client):
    link = link_for()
    client.post(link, ANEW)
    page = Client().get(link)
    assert page.status_code == 410
    assert "It has been used already" in page.content.decode()
    assert Client().post(link, ANEW).status_code == 410


def test_who_has_an_account_signs_in_first_and_then_accepts(client):
    link = link_for(nina.email)
    asked = client.get(link)
    assert asked["Location"] == f"/login/?next={link}"
    assert client.post(link, ANEW)["Location"] == f"/login/?next={link}"
    signed = client.post("/login/", {"login": nina.email, "password": PASSWORD, "next": link})
    assert signed["Location"] == link
    assert "You are signed in as" in client.get(link).content.decode()
    assert roles_of(nina.email) == []
    assert client.post(link)["Location"] == "/orders/"
    assert roles_of(nina.email) == ["agent"]
    assert client.get("/policy/").wsgi_request.gate.company_slug == "aurora"


def test_an_invitation_is_for_one_person_only(client):
    link = link_for()
    sign_in(client, bea)
    assert client.get(link).status_code == 403
    assert client.post(link).status_code == 403
    assert "for somebody else" in client.get(link).content.decode()
    assert roles_of("nora@new.example") == roles_of(bea.email) == []


def test_a_wrong_link_says_so(client):
    assert client.get(f"/invitation/{'x' * 43}/").status_code == 404
    assert client.get("/invitation/%00/").status_code == 404
    assert not client.cookies


def test_a_withdrawn_invitation_says_so(client):
    link = link_for()
    with as_(adam):
        invitation = Invitation.objects.get(email="nora@new.example")
    admin = sign_in(Client(), adam)
    admin.post(f"/company/invitations/{invitation.id}/withdrawal/")
    assert "It has been withdrawn" in client.get(link).content.decode()
    assert client.post(link, ANEW).status_code == 410
    assert roles_of("nora@new.example") == []


@pytest.mark.django_db(transaction=True)
def test_an_expired_invitation_says_so(client, owner):
    link = link_for()
    owner.execute("UPDATE accounts_invitation SET expires_at = %s", [timezone.now()])
    assert "It has expired" in client.get(link).content.decode()
    assert client.post(link, ANEW).status_code == 410
    assert roles_of("nora@new.example") == []


def test_who_is_removed_leaves_no_invitation_behind(client):
    link = link_for(by=adam)
    with as_(ann) as owner:
        adam.membership().end(by=owner)
    assert "It has been withdrawn" in client.get(link).content.decode()
    assert client.post(link, ANEW).status_code == 410


def test_inviting_again_withdraws_the_former_link(client):
    first, second = link_for(), link_for()
    assert client.get(first).status_code == 410
    assert client.get(second).status_code == 200


def test_only_the_hash_of_the_secret_is_kept():
    secret = link_for().split("/")[2]
    with as_(adam):
        invitation = Invitation.objects.get(email="nora@new.example")
    assert secret.encode() not in bytes(invitation.hash)
    assert len(invitation.hash) == 32
    assert timezone.now() + timedelta(days=6) < invitation.expires_at


def test_the_link_is_mailed_as_well(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        link = link_for()
    assert mail.outbox[-1].to == ["nora@new.example"]
    assert link in mail.outbox[-1].body
    assert "Adam invites you to work in Aurora" in mail.outbox[-1].body


def test_who_is_known_here_is_invited_in_their_own_language(django_capture_on_commit_callbacks):
    with as_(bea):
        User.objects.filter(email=bea.email).update(language="ru")
    with django_capture_on_commit_callbacks(execute=True):
        link_for(bea.email)
        link_for("nora@new.example")
    assert "приглашает" in mail.outbox[0].body
    assert "invites you" in mail.outbox[1].body


def test_a_partner_is_chosen_or_named(client):
    client.post(link_for(role="partner", new_partner="web25"), ANEW)
    with as_(ann):
        partner = Partner.objects.get(name="web25")
        member = Membership.objects.get(user__email="nora@new.example")
    assert (member.role, member.partner_id) == ("partner", partner.id)
    assert link_for("paul@new.example", role="partner", partner=pat.membership().partner_id)


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nora", "role": "agent"},
        {"email": "nora@new.example", "role": "emperor"},
        {"email": "nora@new.example", "role": "partner"},
        {"email": "nora@new.example", "role": "partner", "partner": "x"},
        {"email": "nora@new.example", "role": "partner", "new_partner": "\x00"},
        {"email": "nora@new.example", "role": "partner", "new_partner": "a" * 1_000_000},
        {"email": "\x00", "role": "\x00"},
        {"email": "a" * 1_000_000, "role": "agent"},
        {"email": gail.email, "role": "agent"},  # works here already
        {"email": "nora@new.example", "role": "owner"},  # an admin makes no owner
        {},
    ],
)
def test_a_wrong_invitation_is_refused_with_the_form(client, fields):
    response = sign_in(client, adam).post("/company/invitations/", fields)
    assert response.status_code == 422
    assert response.context["invite_form"].errors
    with as_(adam):
        assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {**ANEW, "name": "\x00"},
        {**ANEW, "name": "a" * 1_000_000},
        {**ANEW, "password": "short", "repeated": "short"},
        {**ANEW, "password": "\x00" * 12, "repeated": "\x00" * 12},
        {**ANEW, "repeated": "another"},
        {**ANEW, "password": "nora@new.example", "repeated": "nora@new.example"},
    ],
)
def test_joining_with_wrong_values_registers_nobody(client, fields):
    link = link_for()
    assert client.post(link, fields).status_code == 200
    assert roles_of("nora@new.example") == []
    assert client.get(link).status_code == 200


def test_an_agent_invites_nobody(client):
    fields = {"email": "nora@new.example", "role": "agent"}
    assert sign_in(client, gail).post("/company/invitations/", fields).status_code == 403
    with as_(adam):
        assert not Invitation.objects.exists()


def test_an_invitation_of_another_company_is_not_found(client):
    link_for()
    with as_(adam):
        invitation = Invitation.objects.get()
    sign_in(client, bea)
    here = client.post(f"/company/invitations/{invitation.id}/withdrawal/")
    nowhere = client.post(f"/company/invitations/{bea.membership().id}/withdrawal/")
    assert here.status_code == nowhere.status_code == 404
    with as_(adam):
        assert Invitation.objects.open().exists()


def test_joining_and_inviting_are_in_the_audit(client):
    client.post(link_for(), ANEW)
    with as_(ann):
        told = AuditEntry.objects.exclude(action="session.opened", actor=adam.user)
        actions = list(told.order_by("at").values_list("action", flat=True))
    assert actions[-4:-1] == ["person.invited", "session.opened", "person.joined"]


def test_a_member_of_one_company_joins_a_second(client):
    link = link_for(bea.email)
    sign_in(client, bea)
    client.post(link)
    assert client.get("/policy/").wsgi_request.gate.company_slug == "aurora"
    assert len(client.get("/company/choose/").context["memberships"]) == 2
    assert mia.membership("aurora").role == "agent"


def manage(*command):
    """What the command prints, run on the server as the owner role."""
    done = subprocess.run([sys.executable, "manage.py", *command], capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.django_db(transaction=True)
def test_a_company_founded_on_the_server_is_joined_by_its_owner(client):
    founding = ["found_company", "Cassini", "cassini", "cora@cassini.example"]
    link = re.search(r"/invitation/[\w-]{43}/", manage(*founding))[0]
    client.post(link, {**ANEW, "name": "Cora"})
    entry = client.get("/policy/").wsgi_request.gate
    assert (entry.company_slug, entry.role) == ("cassini", "owner")
    assert "There is a company cassini already" in manage(*founding)


@pytest.mark.django_db(transaction=True)
def test_staff_are_appointed_and_dismissed_on_the_server():
    assert "sam@covenant.example: support" in manage("appoint", "sam@covenant.example", "--support")
    assert "operator" in manage("appoint", nina.email, "--operator")
    assert nina.user.is_superuser
    assert "no duty any more" in manage("appoint", nina.email)
    assert not nina.user.is_staff
    assert "Enter a valid email" in manage("appoint", "nobody")
