"""Who, as an operator, has had a second factor, and so had the rank at hand.

Until then an operator approves nothing, so nobody waits for him. From then on he is waited for until
the owner's commands take his rank: neither losing the factors nor having them forgotten unseats
anybody, or whoever has somebody's factors forgotten would be rid of his word.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

SEATS = """
CREATE TABLE gate.seated (
    user_id bigint PRIMARY KEY REFERENCES public.accounts_user ON DELETE CASCADE
);

CREATE FUNCTION gate.take_seat(a_user bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.seated SELECT u.id FROM public.accounts_user u
     WHERE u.id = a_user AND u.is_superuser AND EXISTS (
           SELECT FROM public.mfa_authenticator f
            WHERE f.user_id = u.id AND f.type <> 'recovery_codes')
    ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION gate.seat_with_factor() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.take_seat(NEW.user_id);
    RETURN NULL;
END $$;
CREATE TRIGGER seat AFTER INSERT ON mfa_authenticator FOR EACH ROW
    EXECUTE FUNCTION gate.seat_with_factor();

CREATE FUNCTION gate.seat_with_rank() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gate.seated s WHERE s.user_id = NEW.id AND NOT NEW.is_superuser;
    PERFORM gate.take_seat(NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER seat AFTER UPDATE OF is_superuser ON accounts_user FOR EACH ROW
    WHEN (OLD.is_superuser <> NEW.is_superuser) EXECUTE FUNCTION gate.seat_with_rank();

SELECT gate.take_seat(u.id) FROM accounts_user u;
REVOKE ALL ON FUNCTION gate.take_seat(bigint), gate.seat_with_factor(), gate.seat_with_rank()
    FROM PUBLIC;
"""

UNDO = """
DROP TRIGGER seat ON accounts_user;
DROP TRIGGER seat ON mfa_authenticator;
DROP FUNCTION gate.seat_with_rank(), gate.seat_with_factor(), gate.take_seat(bigint);
DROP TABLE gate.seated;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0038_named_as_then")]
    operations: ClassVar = [guard(SEATS, UNDO)]
