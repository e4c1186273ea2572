"""Whoever adds a person writes a password, and so needs the issuing key (decision 1).

The right to insert let SQL smuggled into any request choose an id and a password's hash: an account
of its own to sign in with, and the ids taken that the next newcomers would have been given.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

ADDING = """
REVOKE INSERT ON accounts_user FROM :web;
DROP POLICY joins ON accounts_user;

-- Adds a person with neither flag; the id. `a_password` is a hash.
CREATE FUNCTION gate.add_person(issue_key text, an_email text, a_name text, a_language text,
    a_password text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE added bigint;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    INSERT INTO public.accounts_user (email, name, language, password, is_active, is_support,
        is_superuser, date_joined)
    VALUES (an_email, a_name, a_language, a_password, true, false, false, statement_timestamp())
    RETURNING id INTO added;
    RETURN added;
END $$;
REVOKE ALL ON FUNCTION gate.add_person(text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.add_person(text, text, text, text, text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0012_reminded")]
    operations: ClassVar = [guard(ADDING)]  # for good: the former right was a leak
