"""Clause P2 in the database: who is prohibited is not stored, and work on who became so stops.

A telephone is sealed, so an order says of which country its number is; that alone is nobody's
personal data. Orders that are there already are opened once, here, to learn it. When the operator's
list grows, the orders it concerns since then can only be erased, and an erasure is the database's
deed: whoever sets `erased_at` empties the order and all that hangs on it, for good.

Rejected: a foreign key or a CHECK against the list, which would refuse the list's growing, or the
dump's being read back.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

# The tables' owner reads orders without a pass, for as long as this migration's transaction.
UNGUARDED = """
ALTER TABLE orders_order NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_companykey NO FORCE ROW LEVEL SECURITY;
"""
GUARDED = """
ALTER TABLE orders_order FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_companykey FORCE ROW LEVEL SECURITY;
"""

RULE = """
-- The rule of clause P2 that stands against an order, as a JSON object; NULL for none. A declared
-- other citizenship outweighs the number, which is only a sign.
CREATE FUNCTION gate.prohibition(o public.orders_order) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF o.citizenship <> '' AND gate.prohibits(o.citizenship) THEN
        RETURN jsonb_build_object('sign', 'citizenship', 'jurisdiction', o.citizenship);
    ELSIF o.country <> '' AND gate.prohibits(o.country) THEN
        RETURN jsonb_build_object('sign', 'country', 'jurisdiction', o.country);
    ELSIF o.citizenship = '' AND o.phone_country <> '' AND gate.prohibits(o.phone_country) THEN
        RETURN jsonb_build_object('sign', 'phone', 'jurisdiction', o.phone_country);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION gate.refuse_prohibited(rule jsonb, done text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF rule IS NOT NULL THEN
        RAISE EXCEPTION 'clause P2: %', done USING ERRCODE = 'CVP02', DETAIL = rule::text;
    END IF;
END $$;

-- The names of these triggers put them before the others', which look at what is left.
CREATE FUNCTION gate.admit_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.refuse_prohibited(gate.prohibition(NEW), 'this person is not stored');
    RETURN NEW;
END $$;
CREATE TRIGGER admit BEFORE INSERT ON orders_order FOR EACH ROW
    EXECUTE FUNCTION gate.admit_order();

-- An order that the list concerns since it has grown is erased, or left as it is: an update that
-- changes nothing by itself, as where its agent changes teams, does not come here.
CREATE FUNCTION gate.admit_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.erased_at IS DISTINCT FROM OLD.erased_at THEN
        IF OLD.erased_at IS NOT NULL
           OR NEW.company_id IS DISTINCT FROM gate.claim()
           OR gate.allows('orders.erase') IS DISTINCT FROM 'all' THEN
            RAISE EXCEPTION 'an erasure is for good, and for who may erase'
                USING ERRCODE = '42501';
        END IF;
        NEW.person := '';
        NEW.phone_hash := NULL;
        NEW.phone_country := '';
        NEW.country := '';
        NEW.citizenship := '';
        NEW.recall_at := NULL;
        RETURN NEW;
    END IF;
    PERFORM gate.refuse_prohibited(gate.prohibition(OLD), 'the order can only be erased');
    PERFORM gate.refuse_prohibited(gate.prohibition(NEW), 'this person is not stored');
    RETURN NEW;
END $$;
CREATE TRIGGER admit_change BEFORE UPDATE ON orders_order FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION gate.admit_change();

-- Comments speak of the person, and the words are hashes of the name: both go with the person.
CREATE FUNCTION gate.erase_around() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.orders_searchword
     WHERE company_id = NEW.company_id AND order_id = NEW.id;
    DELETE FROM public.orders_comment WHERE company_id = NEW.company_id AND order_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER erase_around AFTER UPDATE OF erased_at ON orders_order FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL)
    EXECUTE FUNCTION gate.erase_around();
CREATE POLICY removes ON orders_comment FOR DELETE USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.erase')) = 'all'
    AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_comment.company_id
                AND o.id = orders_comment.order_id AND o.erased_at IS NOT NULL));
GRANT DELETE ON orders_comment TO :web;

-- What else is done with a person, and writes no order: a comment, and a look at the telephone. The
-- order is held, so that neither comes after an erasure that has not seen it.
CREATE FUNCTION gate.refuse_work(a_company bigint, an_order uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE o public.orders_order;
BEGIN
    SELECT * INTO o FROM public.orders_order s
     WHERE s.company_id = a_company AND s.id = an_order FOR SHARE;
    PERFORM gate.refuse_prohibited(gate.prohibition(o), 'the order can only be erased');
    IF o.erased_at IS NOT NULL THEN
        RAISE EXCEPTION 'the person was erased' USING ERRCODE = 'CVP02', DETAIL = '{}';
    END IF;
END $$;

CREATE FUNCTION gate.admit_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.refuse_work(NEW.company_id, NEW.order_id);
    RETURN NEW;
END $$;
CREATE TRIGGER admit BEFORE INSERT ON orders_comment FOR EACH ROW
    EXECUTE FUNCTION gate.admit_comment();

CREATE FUNCTION gate.admit_reveal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.refuse_work(NEW.company_id, NEW.object_id);
    RETURN NEW;
END $$;
CREATE TRIGGER admit_reveal BEFORE INSERT ON accounts_auditentry FOR EACH ROW
    WHEN (NEW.action = 'order.revealed') EXECUTE FUNCTION gate.admit_reveal();

GRANT UPDATE (phone_country, erased_at) ON orders_order TO :web;
REVOKE ALL ON FUNCTION gate.prohibition(public.orders_order),
    gate.refuse_prohibited(jsonb, text), gate.admit_order(), gate.admit_change(),
    gate.erase_around(), gate.refuse_work(bigint, uuid), gate.admit_comment(),
    gate.admit_reveal() FROM PUBLIC;
"""

UNDO = """
DROP TRIGGER admit_reveal ON accounts_auditentry;
DROP TRIGGER admit ON orders_comment;
DROP POLICY removes ON orders_comment;
REVOKE DELETE ON orders_comment FROM :web;
DROP TRIGGER erase_around ON orders_order;
DROP TRIGGER admit_change ON orders_order;
DROP TRIGGER admit ON orders_order;
DROP FUNCTION gate.admit_reveal(), gate.admit_comment(), gate.refuse_work(bigint, uuid),
    gate.erase_around(), gate.admit_change(), gate.admit_order(),
    gate.refuse_prohibited(jsonb, text), gate.prohibition(public.orders_order);
"""

BATCH = 1_000


def learn_countries(apps: Any, editor: Any) -> None:
    """Open each person that is stored, for the country of the number. What cannot be opened any
    more has an unknown one."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT company_id FROM orders_order WHERE phone_hash IS NOT NULL")
        for (company_id,) in cursor.fetchall():
            _learn_countries_of(company_id, cursor)


def _learn_countries_of(company_id: int, cursor: Any) -> None:
    from orders import keys
    from orders.sealing import CompanyKey, MasterKey, SealBroken
    from policy.telephones import UNKNOWN, region_of

    cursor.execute(
        "SELECT version, wrapped FROM accounts_companykey WHERE company_id = %s", [company_id]
    )
    master = MasterKey.from_settings()
    held = keys.Keys(
        company_id,
        {
            version: CompanyKey.unwrap(bytes(wrapped), master, company_id)
            for version, wrapped in cursor.fetchall()
        },
    )

    def country(person: bytes, order_id: Any) -> str:
        try:
            return region_of(held.open_person(bytes(person), order_id).phone) or UNKNOWN
        except SealBroken:
            return UNKNOWN

    cursor.execute(
        "SELECT id, person FROM orders_order WHERE company_id = %s AND phone_hash IS NOT NULL",
        [company_id],
    )
    while batch := cursor.fetchmany(BATCH):
        learned = [(order_id, country(person, order_id)) for order_id, person in batch]
        with cursor.connection.cursor() as writing:
            writing.execute(
                "UPDATE orders_order o SET phone_country = l.country"
                "  FROM unnest(%s::uuid[], %s::text[]) AS l (id, country)"
                " WHERE o.company_id = %s AND o.id = l.id",
                [*map(list, zip(*learned, strict=True)), company_id],
            )


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0006_values_left_out"),
        ("policy", "0003_jurisdictions"),
    ]
    operations: ClassVar = [
        migrations.AddField(
            "order", "phone_country", models.CharField(max_length=2, blank=True, default="")
        ),
        migrations.AddField("order", "erased_at", models.DateTimeField(null=True, blank=True)),
        guard(UNGUARDED, GUARDED),
        migrations.RunPython(learn_countries, migrations.RunPython.noop),
        guard(GUARDED, UNGUARDED),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                condition=models.Q(
                    country__regex="^([A-Z]{2})?$",
                    citizenship__regex="^([A-Z]{2})?$",
                    phone_country__regex="^([A-Z]{2})?$",
                ),
                name="orders_order_countries",
            ),
        ),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                condition=models.Q(phone_hash__isnull=True) ^ ~models.Q(phone_country=""),
                name="orders_order_phone_country",
            ),
        ),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=True) ^ models.Q(person=b"", phone_hash=None),
                name="orders_order_erased",
            ),
        ),
        guard(RULE, UNDO),
    ]
