"""The demo companies: loaded by their own people, as often as one likes, on one's own machine.

Loading commits as the owner and as the web role, so it runs as what it is, a command of its own.
"""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.founding import OWNER
from accounts.models import AuditEntry, User
from orders import keys, statuses
from orders.demo import loading
from orders.demo.companies import AURORA, BOREALIS, COMPANIES, PASSWORD, STAFF
from orders.models import Order
from policy.models import PolicyVersion
from policy.telephones import parse
from tests.conftest import copy_anew
from tests.people import Someone, as_

pytestmark = pytest.mark.django_db

VLAD = Someone("Vlad", AURORA.opener.email, (("aurora", "admin"),))
TIMUR = Someone("Timur", BOREALIS.opener.email, (("borealis", "admin"),))
ANA = Someone("Ana", "agent@aurora.example", (("aurora", "agent"),))

GUARDS = """
SELECT relname, relrowsecurity, relforcerowsecurity,
       (SELECT jsonb_agg(jsonb_build_array(tgname, tgenabled) ORDER BY tgname)
          FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
  FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
STANDING = """
SELECT c.slug, o.number, o.status, o.attempts, o.reason, o.country, o.total, u.email,
       (SELECT count(*) FROM accounts_auditentry a WHERE a.object_id = o.id),
       (SELECT count(*) FROM orders_comment n WHERE n.order_id = o.id)
  FROM orders_order o JOIN accounts_company c ON c.id = o.company_id
  LEFT JOIN accounts_membership m ON m.id = o.agent_id LEFT JOIN accounts_user u ON u.id = m.user_id
 ORDER BY c.slug, o.number
"""


def load() -> str:
    """What the command prints. Aurora and Borealis are there already: they are loaded anew."""
    done = subprocess.run(
        [sys.executable, "manage.py", "demo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def printed() -> Iterator[str]:
    yield load()
    copy_anew()


@pytest.mark.parametrize(
    ("opener", "countries"), [(VLAD, {"RO", "ES", "IT"}), (TIMUR, {"KZ", "BY"})]
)
def test_a_company_has_200_orders_of_all_statuses_by_people_of_permitted_countries(
    opener, countries
):
    with as_(opener) as by:
        orders = list(Order.objects.all())
        people = [order.open_person(keys.held(by)) for order in orders]
    assert len(orders) == 200
    assert {order.status for order in orders} == set(statuses.STATUSES)
    assert {order.country for order in orders} == countries
    assert {parse(person.phone).region for person in people} == countries
    assert len({person.phone for person in people}) < 200  # some have ordered twice


def test_the_orders_came_by_one_import_which_the_audit_tells_of():
    with as_(VLAD):
        [started] = AuditEntry.objects.filter(action="import.started")
        [brought_by] = Order.objects.values_list("import_id", flat=True).distinct()
        assert (started.object_id, started.changes["orders"]) == (brought_by, 200)


def test_an_agent_who_accepts_finds_an_order_to_take():
    with as_(ANA) as by:
        for version in PolicyVersion.objects.waiting_for(by.user_id, by.company_id):
            version.accept(by=by, language="en", shown_at=version.effective_at)
        assert Order.objects.take_next(by=by)


def test_nobody_who_signs_in_has_accepted_a_policy(superuser, printed):
    emails = {c.email for company in COMPANIES for c in company.colleagues if c.signs_in}
    emails |= {someone.email for someone in STAFF}
    found = superuser.execute(
        "SELECT email, password, EXISTS (SELECT FROM policy_acceptance WHERE user_id = u.id)"
        " FROM accounts_user u WHERE email = ANY(%s)", [list(emails)]
    ).fetchall()  # fmt: skip
    assert len(found) == len(emails) == 10
    assert not any(accepted for _email, _password, accepted in found)
    assert all(email in printed for email in emails)
    assert all(check_password(PASSWORD, password) for password in {row[1] for row in found})


def test_loading_again_ends_the_same_and_as_guarded(superuser):
    first = superuser.execute(STANDING).fetchall()
    guards = superuser.execute(GUARDS).fetchall()
    load()
    assert superuser.execute(STANDING).fetchall() == first
    assert superuser.execute(GUARDS).fetchall() == guards


def test_refuses_outside_development(settings):
    settings.DEVELOPMENT = False
    with pytest.raises(CommandError, match="DEBUG=1"):
        call_command("demo")


@pytest.mark.django_db(databases=["default", OWNER])
def test_a_load_that_came_to_no_end_is_known():
    staff = User.objects.using(OWNER).filter(email=STAFF[-1].email)
    assert loading.is_whole() and not loading.stands_still()
    with transaction.atomic(using=OWNER):
        staff.update(email="nobody@covenant.example")
        assert loading.stands_still() and not loading.is_whole()
        transaction.set_rollback(True, using=OWNER)
