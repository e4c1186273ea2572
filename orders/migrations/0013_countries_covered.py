"""Clause P1 on orders: which countries a company's orders name is found without reading them, and a
strict company's are refused where its policy does not cover them, by whatever way they come."""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

COVERED = """
-- Run after those that refuse the prohibited (by name), of whom not even a country is told.
CREATE FUNCTION gate.cover_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.refuse_uncovered(gate.uncovered(NEW.company_id, NEW.citizenship, NEW.country));
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.cover_order() FROM PUBLIC;
CREATE TRIGGER cover BEFORE INSERT ON orders_order FOR EACH ROW
    WHEN (NEW.citizenship <> '' OR NEW.country <> '') EXECUTE FUNCTION gate.cover_order();
CREATE TRIGGER cover_change BEFORE UPDATE OF country, citizenship ON orders_order FOR EACH ROW
    WHEN ((OLD.citizenship, OLD.country) IS DISTINCT FROM (NEW.citizenship, NEW.country))
    EXECUTE FUNCTION gate.cover_order();
"""

UNDO = """
DROP TRIGGER cover_change ON orders_order;
DROP TRIGGER cover ON orders_order;
DROP FUNCTION gate.cover_order();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0012_team_of_who_moves_teams"),
        ("policy", "0007_countries"),
    ]
    operations: ClassVar = [
        migrations.AddIndex(
            "order", models.Index("company", "country", name="orders_order_by_country")
        ),
        migrations.AddIndex(
            "order",
            models.Index(
                "company",
                "citizenship",
                name="orders_order_by_citizenship",
                condition=~models.Q(citizenship=""),
            ),
        ),
        guard(COVERED, UNDO),
    ]
