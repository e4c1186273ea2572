"""Orders change by verbs, each with its audit entry, and never behind somebody's back."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Membership, Team
from orders import imports, keys
from orders.intake import ItemDraft, NotAdmitted, OrderDraft, Prohibited
from orders.models import Comment, Conflict, Item, MoveRefused, Order, SearchWord
from orders.persons import Person
from tests.people import adam, ann, as_, gail, gus, lena, pat

pytestmark = pytest.mark.django_db

IOANA = Person(
    name="Ioana Pop", phone="+40723123643", email="ioana@pop.example", address="Str. Lunga 1"
)
LAMP = ItemDraft("Lamp", Decimal("49.50"), 2, "L-1")


def add(by, person=IOANA, items=(LAMP,), **draft):
    return Order.objects.add(by=by, person=person, items=items, currency="EUR", **draft)


def brought(by, person=IOANA, items=(LAMP,), **draft):
    """One of any age and state."""
    [order] = imports.bring(
        [OrderDraft(person, items, "EUR", **draft)], by=by, file_name="past.csv"
    )
    order.refresh_from_db(fields=["number", "team_id"])
    return order


def audited(order):
    entries = AuditEntry.objects.filter(object_id=order.id).order_by("id")
    return [(entry.action, entry.changes) for entry in entries]


def test_an_added_order_has_a_number_and_a_sealed_person():
    with as_(ann) as by:
        order = add(by, offer="Lamps", external_id="S-1")
        stored = Order.objects.get(id=order.id)
        assert stored.number == order.number
        assert b"Ioana" not in bytes(stored.person)
        assert stored.open_person(keys.provided(by)) == IOANA
        assert (stored.total, str(stored.offer)) == (Decimal("99.00"), "Lamps")
        assert audited(order) == [("order.added", {"source": "hand"})]


def test_orders_are_numbered_one_by_one():
    with as_(ann) as by:
        assert add(by).number + 1 == add(by).number


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ({"country": "RU"}, Prohibited),
        ({"citizenship": "Russia"}, Prohibited),
        ({"person": Person(name="X", phone="+79161234567")}, Prohibited),
        ({"country": "Nowhere"}, NotAdmitted),
    ],
)
def test_who_may_not_be_stored_leaves_nothing(told, refusal):
    with as_(ann) as by:
        before = [model.objects.count() for model in (Order, Item, SearchWord, AuditEntry)]
        with pytest.raises(refusal):
            add(by, **told)
        assert before == [model.objects.count() for model in (Order, Item, SearchWord, AuditEntry)]


def test_a_partner_adds_nothing():
    with as_(pat) as by, pytest.raises(PermissionDenied):
        add(by)


def test_an_edit_tells_what_changed_and_never_how():
    with as_(ann) as by:
        order = add(by)
        moved = Person(name="Ioana Popescu", phone=IOANA.phone, email=IOANA.email)
        order.edit(by=by, version=1, person=moved, items=[LAMP, LAMP], country="Romania")
        stored = Order.objects.get(id=order.id)
        assert stored.version == 2
        assert stored.open_person(keys.provided(by)) == moved
        assert (stored.total, stored.country) == (Decimal("198.00"), "RO")
        assert audited(order)[1] == (
            "order.edited",
            {"fields": ["name", "address", "items", "country"]},
        )


def test_an_edit_that_changes_nothing_writes_nothing():
    with as_(ann) as by:
        order = add(by, country="RO")
        assert order.edit(by=by, version=1, person=IOANA, items=[LAMP], country="RO") == []
        assert Order.objects.get(id=order.id).version == 1


def test_an_edit_of_what_somebody_else_edited_is_noticed():
    with as_(ann) as by:
        order = add(by)
        order.edit(by=by, version=1, external_id="theirs")
        with pytest.raises(Conflict) as conflict:
            Order.objects.get(id=order.id).edit(by=by, version=1, external_id="ours")
        assert conflict.value.order.version == 2
        assert Order.objects.get(id=order.id).external_id == "theirs"


def test_an_edit_into_a_prohibited_jurisdiction_changes_nothing():
    with as_(ann) as by:
        order = add(by)
        with pytest.raises(Prohibited):
            order.edit(by=by, version=1, citizenship="RU")
        assert Order.objects.get(id=order.id).citizenship == ""


def test_search_words_follow_the_person():
    with as_(ann) as by:
        order = add(by)
        words = SearchWord.objects.filter(order_id=order.id)
        before = words.count()
        order.edit(by=by, version=1, person=Person(name="Al"))
        assert words.count() == 1 < before


def test_an_agent_takes_calls_and_confirms():
    with as_(ann) as by:
        order = add(by)
    with as_(gus) as by:
        order.move(by=by, move="take", version=1)
        assert (order.status, order.agent_id) == ("processing", by.membership_id)
        order.move(by=by, move="confirm", version=2)
        assert audited(order)[-1] == (
            "order.moved",
            {"from": "processing", "to": "confirmed", "move": "confirm", "reason": ""},
        )


def test_a_move_says_what_it_lacks_and_moves_nothing():
    with as_(ann) as by:
        order = add(by, person=Person(phone=IOANA.phone), items=[])
        order.move(by=by, move="take", version=1)
        with pytest.raises(MoveRefused) as refused:
            order.move(by=by, move="confirm", version=2)
        assert len(refused.value.unmet) == 3
        assert Order.objects.get(id=order.id).status == "processing"


def test_a_step_that_the_table_does_not_have_is_refused():
    with as_(ann) as by:
        order = add(by)
        with pytest.raises(MoveRefused):
            order.move(by=by, move="pay", version=1)
        with pytest.raises(MoveRefused):
            order.move(by=by, move="\0" * 300, version=1)


def test_a_call_without_answer_counts_and_comes_back():
    with as_(ann) as by:
        order = add(by)
        order.move(by=by, move="take", version=1)
        order.move(by=by, move="no_answer", version=2)
        assert order.attempts == 1
        assert order.recall_at > timezone.now() + timedelta(hours=1)


def test_an_order_put_back_is_free():
    with as_(gus) as by:
        order = add(by)
        order.move(by=by, move="take", version=1)
        order.move(by=by, move="release", version=2)
        assert (order.status, order.agent_id) == ("new", None)


def test_one_order_in_hand_each():
    with as_(gus) as by:
        add(by).move(by=by, move="take", version=1)
        with pytest.raises(MoveRefused):
            add(by).move(by=by, move="take", version=1)


def test_a_comment_is_sealed():
    with as_(gus) as by:
        order = add(by)
        comment = order.say(by=by, text=" Ioana calls back ")
        stored = Comment.objects.get(id=comment.id)
        assert b"Ioana" not in bytes(stored.body)
        assert keys.provided(by).open_comment(bytes(stored.body), stored.id) == "Ioana calls back"


def test_a_telephone_is_revealed_at_the_price_of_an_entry():
    with as_(gus) as by:
        order = add(by)
        assert order.reveal_telephone(by=by) == IOANA.phone
    with as_(ann):
        assert audited(order)[-1] == ("order.revealed", {})


@pytest.mark.parametrize("moved", ["by the verb", "by SQL"])
def test_a_lead_loses_the_orders_of_an_agent_who_changes_teams(moved):
    with as_(ann) as by:
        gails = add(by, agent=gail.membership().id)
        free = add(by)
        south = Team.objects.create(company_id=by.company_id, name="South")
    with as_(lena):
        assert Order.objects.filter(id__in=[gails.id, free.id]).count() == 2
    with as_(ann) as by:
        if moved == "by the verb":
            gail.membership().place(by=by, role="agent", team=south)
        else:
            Membership.objects.filter(id=gails.agent_id).update(team_id=None)
    with as_(lena):
        assert [order.id for order in Order.objects.filter(id__in=[gails.id, free.id])] == [free.id]
    with as_(gail):
        assert Order.objects.filter(id=gails.id).exists()


def test_a_lead_gains_the_orders_of_an_agent_who_joins_the_team():
    with as_(ann) as by:
        order = add(by, agent=gus.membership().id)
    with as_(lena):
        assert not Order.objects.filter(id=order.id).exists()
    with as_(ann) as by:
        gus.membership().place(by=by, role="agent", team=Team.objects.get(name="North"))
    with as_(lena):
        assert Order.objects.filter(id=order.id).exists()


def test_a_lead_gives_orders_to_the_own_team():
    gails, guss = gail.membership().id, gus.membership().id
    with as_(lena) as by:
        order = add(by)
        order.assign(by=by, agent_id=gails)
        assert Order.objects.get(id=order.id).agent_id == gails
        with pytest.raises(PermissionDenied):
            order.assign(by=by, agent_id=guss)
        order.assign(by=by, agent_id=None)
        assert Order.objects.get(id=order.id).agent_id is None


def test_orders_are_given_to_members_who_work_on_them():
    pats = pat.membership().id
    with as_(adam) as by:
        order = add(by)
        for nobody in (pats, uuid.uuid4()):
            with pytest.raises(MoveRefused):
                order.assign(by=by, agent_id=nobody)


def test_an_agent_gives_nothing_away():
    gails = gail.membership().id
    with as_(gus) as by:
        order = add(by)
        with pytest.raises(PermissionDenied):
            order.assign(by=by, agent_id=gails)


def test_orders_by_the_same_telephone_are_found():
    with as_(ann) as by:
        first, second = add(by), add(by, person=Person(name="Mihai", phone=IOANA.phone))
        add(by, person=Person(name="Nobody"))
        assert list(first.duplicates()) == [second]


def test_many_orders_take_the_same_few_statements(django_assert_num_queries):
    drafts = [OrderDraft(IOANA, [LAMP], "EUR", offer=f"Offer {n % 3}") for n in range(200)]
    with as_(ann) as by:
        add(by)  # the company's key is there
        before = Item.objects.count()
        with django_assert_num_queries(10):
            orders = Order.objects.add_many(by=by, drafts=drafts)
        for order in orders:
            audit.record(by=by, action="order.added", of=order, source=order.source)
        assert Item.objects.count() == before + 200
