"""A look says what it was, and nothing else: an order, a list, or by which names a list was searched.

SQL in support's request could still word the rest of it: a buyer's name, which an erasure would never
have found there, a megabyte, or a look at an order that named none.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

WORDED = """
CREATE FUNCTION gate.is_look(deed text, an_order uuid, said jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE deed
        WHEN 'access.viewed' THEN an_order IS NOT NULL AND said = '{}'
        WHEN 'access.listed' THEN an_order IS NULL AND said = '{}'
        WHEN 'access.searched' THEN an_order IS NULL AND said - 'by_what' = '{}'
            AND jsonb_array_length(said -> 'by_what') BETWEEN 1 AND 8
            AND said -> 'by_what' <@
                '["q", "since", "until", "offer", "partner", "agent", "stopped", "imported"]'
        ELSE false END;
END $$;
REVOKE ALL ON FUNCTION gate.is_look(text, uuid, jsonb) FROM PUBLIC;
"""
ASKED = rewritten(
    "gate.look(text, uuid, jsonb)",
    (
        "deed NOT IN ('access.viewed', 'access.listed', 'access.searched')",
        "gate.is_look(deed, an_order, said) IS NOT TRUE",
    ),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0037_missed")]
    operations: ClassVar = [guard(WORDED + ASKED)]  # for good
