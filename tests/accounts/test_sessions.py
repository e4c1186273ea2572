"""A session is a pass: ended in the database, it is ended everywhere at once."""

import hashlib
import threading

import pytest
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts import gate
from accounts.middleware import GateMiddleware
from accounts.models import User
from tests.people import PASSWORD, adam, ann, gail, mia, sign_in

COOKIE = settings.SESSION_COOKIE_NAME
committing = pytest.mark.django_db(transaction=True)


def copy_of(client):
    """A thief's browser with the same cookie."""
    thief = Client()
    thief.cookies[COOKIE] = client.cookies[COOKIE].value
    return thief


def is_in(client):
    return client.get("/orders/").headers.get("Location", "").startswith("/login/") is False


def living(secret):
    with gate.carrying(secret) as entry:
        return entry.user_id is not None


@pytest.mark.django_db
def test_signing_out_ends_a_copied_cookie():
    client = sign_in(Client(), gail)
    thief = copy_of(client)
    assert is_in(thief)
    client.post("/logout/")
    assert not is_in(thief)


@pytest.mark.django_db
def test_signing_out_ends_no_other_session_of_the_same_person():
    here, there = sign_in(Client(), gail), sign_in(Client(), gail)
    here.post("/logout/")
    assert is_in(there)


@pytest.mark.django_db
def test_a_new_password_ends_every_session_but_the_one_that_set_it():
    client, other = sign_in(Client(), gail), sign_in(Client(), gail)
    thief = copy_of(client)
    new = {"oldpassword": PASSWORD, "password1": "new-pass-phrase", "password2": "new-pass-phrase"}
    assert client.post("/password/", new)["Location"] == "/password/"
    assert is_in(client)
    assert not is_in(other)
    assert not is_in(thief)


@pytest.mark.django_db
def test_a_new_password_leaves_one_in_the_company_one_chose():
    client = sign_in(Client(), mia)
    client.post("/company/choose/", {"membership": str(mia.membership("borealis").id)})
    new = {"oldpassword": PASSWORD, "password1": "new-pass-phrase", "password2": "new-pass-phrase"}
    client.post("/password/", new)
    assert client.get("/policy/").wsgi_request.gate.company_slug == "borealis"


@committing
def test_deactivating_a_person_ends_the_session_at_the_next_request(owner):
    client = sign_in(Client(), gail)
    owner.execute("UPDATE accounts_user SET is_active = false WHERE email = %s", [gail.email])
    assert not is_in(client)
    owner.execute("UPDATE accounts_user SET is_active = true WHERE email = %s", [gail.email])
    assert not is_in(client)  # it stays ended


@committing
def test_deactivating_a_person_ends_the_pass_in_sql(owner):
    secret = sign_in(Client(), gail).cookies[COOKIE].value
    with gate.carrying(secret):
        assert gate.ask("SELECT gate.user_id()", ())[0]
        owner.execute("UPDATE accounts_user SET is_active = false WHERE email = %s", [gail.email])
        assert gate.ask("SELECT gate.user_id()", ())[0] is None  # the very next statement
    assert not living(secret)


@pytest.mark.django_db
def test_leaving_a_company_ends_the_passes_that_work_in_it():
    client = sign_in(Client(), gail)
    thief = copy_of(client)
    assert client.post("/company/departure/")["Location"] == "/company/choose/"
    assert not is_in(thief)
    assert "You belong to no company yet" in client.get("/company/choose/").content.decode()


@pytest.mark.django_db
def test_the_cookies_value_is_stored_nowhere(django_db_setup):
    client = sign_in(Client(), gail)
    secret = client.cookies[COOKIE].value
    assert secret not in str(dict(client.session))
    assert hashlib.sha256(secret.encode()).hexdigest() not in str(dict(client.session))


@committing
def test_a_request_in_flight_does_not_bring_an_ended_session_back(owner):
    """It is asked once more, and then is nobody's."""
    client, asked = sign_in(Client(), gail), []

    def view(request):
        asked.append((request.gate.user_id, request.interrupted))
        request.session.modified = True
        owner.execute("DELETE FROM accounts_pass")  # signed out in another tab
        return HttpResponse()

    request = RequestFactory().post("/")  # a deed: a look would hold the pass while it verifies it
    request.COOKIES = {COOKIE: client.cookies[COOKIE].value}
    GateMiddleware(view)(request)
    assert asked == [(gail.user.pk, False), (None, True)]
    assert owner.execute("SELECT count(*) FROM accounts_pass").fetchone() == (0,)


@committing
def test_what_was_tried_stays_counted_though_the_session_was_ended_meanwhile(owner):
    """Nobody is signed in yet: whoever ended the session himself would try without a count."""
    client = Client()
    client.get("/login/")

    def view(request):
        request.session["late"] = cache.add("tried", [1.0], 60)
        owner.execute("DELETE FROM accounts_pass")
        return HttpResponse("wrong")

    request = RequestFactory().post("/")
    request.COOKIES = {COOKIE: client.cookies[COOKIE].value}
    assert GateMiddleware(view)(request).content == b"wrong"
    with gate.vouching():
        assert cache.get("tried") == [1.0]
    assert owner.execute("SELECT count(*) FROM accounts_pass").fetchone() == (0,)


@committing
def test_a_password_changed_while_another_signs_in_wins(owner, monkeypatch):
    """The old password was right when it was checked, and must open nothing any more."""
    check = User.check_password

    def slowly(user, password):
        found = check(user, password)
        owner.execute("UPDATE accounts_user SET password = 'x' WHERE email = %s", [gail.email])
        return found

    owner.execute("DELETE FROM accounts_pass")
    monkeypatch.setattr(User, "check_password", slowly)
    client = Client()
    response = client.post("/login/", {"login": gail.email, "password": PASSWORD})
    assert response["Location"] == "/login/"
    assert owner.execute("SELECT count(*) FROM accounts_pass WHERE user_id > 0").fetchone() == (0,)


@committing
def test_saving_a_person_read_earlier_does_not_undo_a_deactivation(owner):
    from allauth.account.adapter import get_adapter

    stale = gail.user
    owner.execute("UPDATE accounts_user SET is_active = false WHERE email = %s", [gail.email])
    with gate.vouching():
        get_adapter().set_password(stale, "new-pass-phrase")
    assert owner.execute(
        "SELECT is_active FROM accounts_user WHERE email = %s", [gail.email]
    ).fetchone() == (False,)


@committing
def test_two_owners_who_remove_each_other_leave_one(owner):
    owner.execute(
        "UPDATE accounts_membership m SET role = 'owner' FROM accounts_user u"
        " WHERE u.id = m.user_id AND u.email = %s",
        [adam.email],
    )
    start, outcomes = threading.Barrier(2), []

    def remove(remover, removed):
        from django.db import connection

        client = sign_in(Client(), remover)
        place = removed.membership()
        start.wait()
        response = client.post(f"/company/people/{place.id}/removal/")
        outcomes.append(response.status_code)
        connection.close()

    both = [threading.Thread(target=remove, args=pair) for pair in ((ann, adam), (adam, ann))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    left = owner.execute(
        "SELECT count(*) FROM accounts_membership m JOIN accounts_company c ON c.id = m.company_id"
        " WHERE c.slug = 'aurora' AND role = 'owner' AND left_at IS NULL"
    )
    assert len(outcomes) == 2
    assert left.fetchone() == (1,)


@pytest.mark.django_db
def test_a_session_before_sign_in_has_no_person_and_signing_in_changes_its_secret():
    client = Client()
    client.get("/login/")
    before = client.cookies[COOKIE].value
    client.post("/login/", {"login": gail.email, "password": PASSWORD})
    assert client.cookies[COOKIE].value != before
    assert not living(before)
    assert living(client.cookies[COOKIE].value)


@pytest.mark.django_db
def test_only_what_the_application_may_write_of_a_person_is_written():
    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError, match="permission denied"), gate.vouching():
        User.objects.filter(email=gail.email).update(is_superuser=True)
    assert not gail.user.is_superuser
