"""A link that ends because what it rested on has changed says so, by an entry (clause T4).

The maker loses his role, leaves, is deactivated, sets a new password; support signs out or is dismissed;
the company is suspended: the link opened nothing from then on, and nobody was told by what. Each such
end is stored with its cause now, with an entry by the gate's own hand, in the transaction that brings it
about. Only the clock still ends a link without being touched: whoever reads of it is shown that.

Rejected: links of a suspended company that open again afterwards. Nobody expects one then.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard, rewritten

SHUTTING = """
-- Whose pass is presented, whatever it opens.
CREATE FUNCTION gate.presenter() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT p.user_id FROM public.accounts_pass p
     WHERE p.hash = gate.presented() AND p.expires_at > clock_timestamp()
$$;

-- Whose deed it is that a grant ends: of its maker's place and company whoever changes them; of an
-- account whoever has it, as the gate cannot know whose hand it was (decision 25).
CREATE FUNCTION gate.who_shuts(g public.accounts_grant) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN g.cause IN ('role', 'place', 'left', 'suspended', 'closed')
                     THEN coalesce(gate.presenter(), g.made_by_id)
                WHEN g.cause IN ('password', 'deactivated') THEN g.made_by_id
                ELSE g.staff_id END
$$;

-- Ends a grant for good, with its entry; false where it was over. `why` is a key of
-- accounts.access.CAUSES. Who ends what he works under himself is not asked about it at his commit.
CREATE FUNCTION gate.shut_grant(a_grant uuid, why text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE g public.accounts_grant; on_server boolean := pg_has_role(session_user, current_user, 'MEMBER');
BEGIN
    UPDATE public.accounts_grant r SET ended_at = clock_timestamp(), cause = why
     WHERE r.id = a_grant AND r.ended_at IS NULL AND r.revoked_at IS NULL
       AND r.expires_at > clock_timestamp()
    RETURNING * INTO g;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE gate.writing w SET place = NULL
     WHERE w.transaction = pg_current_xact_id() AND w.grant_id = g.id;
    IF why = 'support' THEN
        PERFORM gate.tell_of_grant(g, 'access.ended', g.staff_id);
    ELSE
        PERFORM gate.tell(g.company_id, gate.who_shuts(g), 'access.shut',
            jsonb_build_object('why', why)
                || CASE WHEN on_server THEN '{"by": "operator"}'::jsonb ELSE '{}' END,
            of_type => 'grant', of_id => g.id, under => g.id);
    END IF;
    RETURN true;
END $$;

-- All that a company (NULL: any), or its member, has made.
CREATE FUNCTION gate.shut_grants(a_company bigint, a_maker bigint, why text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM gate.shut_grant(r.id, why) FROM (
        SELECT g.id FROM public.accounts_grant g
         WHERE (a_company IS NULL OR g.company_id = a_company)
           AND (a_maker IS NULL OR g.made_by_id = a_maker)
           AND g.ended_at IS NULL AND g.revoked_at IS NULL AND g.expires_at > clock_timestamp()
         ORDER BY g.company_id, g.id) r;
END $$;
"""

CAUSES = """
-- A session that ends takes along what it holds: support's that signs out, is dismissed, is away.
CREATE OR REPLACE FUNCTION gate.end_grant_of_pass() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.shut_grant(OLD.grant_id, CASE WHEN NOT u.is_active THEN 'staff'
                                               WHEN NOT u.is_support THEN 'rank'
                                               ELSE 'session' END)
       FROM public.accounts_user u WHERE u.id = OLD.user_id;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.revoke_grants_of() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.shut_grants(OLD.company_id, OLD.user_id,
        CASE WHEN OLD.left_at IS DISTINCT FROM NEW.left_at THEN 'left'
             WHEN OLD.role <> NEW.role THEN 'role' ELSE 'place' END);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.revoke_grants_of_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.shut_grants(NULL, OLD.id,
        CASE WHEN NEW.is_active THEN 'password' ELSE 'deactivated' END);
    RETURN NULL;
END $$;

CREATE FUNCTION gate.revoke_grants_of_company() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.shut_grants(OLD.id, NULL,
        CASE WHEN NEW.closed_at IS NULL THEN 'suspended' ELSE 'closed' END);
    RETURN NULL;
END $$;
CREATE TRIGGER revoke_grants AFTER UPDATE OF suspended_at ON accounts_company FOR EACH ROW
    WHEN (OLD.suspended_at IS NULL AND NEW.suspended_at IS NOT NULL)
    EXECUTE FUNCTION gate.revoke_grants_of_company();

-- Support that joins the company sees it as its member from now on.
CREATE FUNCTION gate.end_grants_of_colleague() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.shut_grant(g.id, 'colleague') FROM public.accounts_grant g
      WHERE g.company_id = NEW.company_id AND g.staff_id = NEW.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER end_grants AFTER INSERT OR UPDATE OF left_at ON accounts_membership FOR EACH ROW
    WHEN (NEW.left_at IS NULL) EXECUTE FUNCTION gate.end_grants_of_colleague();
"""

ENDING = """
-- As it was (0034), by the function above. The pass first: whoever asks holds it, too.
CREATE OR REPLACE FUNCTION gate.end_access(issue_key text, another text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held uuid; ended boolean;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT p.grant_id INTO held FROM public.accounts_pass p
     WHERE p.hash = gate.presented() AND p.expires_at > clock_timestamp() FOR UPDATE;
    ended := gate.shut_grant(held, 'support');
    UPDATE public.accounts_pass p SET grant_id = NULL WHERE p.hash = gate.presented();
    PERFORM set_config('gate.company', '', true);
    PERFORM gate.change_secret(another);
    RETURN ended;
END $$;
"""

# What support is told of it: of the company's people no more than that something has changed.
OVER = rewritten(
    "gate.grant_in_hand()",
    (
        "WHEN g.expires_at <= clock_timestamp() THEN 'expired'",
        "WHEN g.cause IN ('', 'expired') THEN 'expired'\n"
        "                                WHEN g.cause IN ('support', 'suspended', 'colleague')\n"
        "                                     THEN g.cause",
    ),
)

SUSPENDED = """
SELECT gate.shut_grants(c.id, NULL, 'suspended') FROM accounts_company c
 WHERE c.suspended_at IS NOT NULL AND c.closed_at IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""

RIGHTS = """
REVOKE ALL ON FUNCTION gate.presenter(), gate.who_shuts(public.accounts_grant),
    gate.shut_grant(uuid, text), gate.shut_grants(bigint, bigint, text),
    gate.revoke_grants_of_company(), gate.end_grants_of_colleague() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0042_reasons_name_nobody")]
    operations: ClassVar = [
        migrations.AddField(
            "grant", "cause", models.CharField(db_default="", editable=False, max_length=16)
        ),
        guard(SHUTTING + CAUSES + ENDING + OVER + RIGHTS),  # for good: a clause rests on it
        guard(SUSPENDED),
    ]
