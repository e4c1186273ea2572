"""What must hold before a process serves: its database role can be kept out by row rules, and
outside development nothing of it travels in the clear."""

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

POWERS = """
SELECT held.power
FROM pg_roles me
CROSS JOIN LATERAL (VALUES
    (me.rolsuper, 'is a superuser'),
    (me.rolbypassrls, 'bypasses row rules (BYPASSRLS)'),
    (me.rolcreaterole, 'may make roles (CREATEROLE)'),
    (me.rolreplication, 'may copy the whole server (REPLICATION)')
) AS held (yes, power)
WHERE me.rolname = session_user AND held.yes
"""

POSSESSIONS = """
SELECT 'owns the ' || kind || ' ' || name
FROM (
    SELECT 'database', datname::text, datdba FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'schema', nspname::text, nspowner FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT 'function', oid::regprocedure::text, proowner FROM pg_proc
    UNION ALL SELECT CASE relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END,
        oid::regclass::text, relowner
        FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'
) AS thing (kind, name, owner)
WHERE owner = (SELECT oid FROM pg_roles WHERE rolname = session_user)
ORDER BY 1
"""

# A role may become those it is a member of: the owner, one with such powers, or one of PostgreSQL's
# own, which read every table, file or setting. The superuser, a member of all, is named above.
MEMBERSHIPS = """
SELECT 'is a member of ' || other.rolname
FROM pg_roles me
JOIN pg_roles other ON other.oid <> me.oid AND pg_has_role(me.oid, other.oid, 'MEMBER')
WHERE me.rolname = session_user AND NOT me.rolsuper AND (
    other.rolsuper OR other.rolbypassrls OR other.rolcreaterole OR other.rolname ~ '^pg_'
    OR other.oid = (SELECT datdba FROM pg_database WHERE datname = current_database())
    OR EXISTS (SELECT FROM pg_class WHERE relowner = other.oid)
)
ORDER BY 1
"""

A_YEAR: Final = 365 * 24 * 3600  # seconds

# Clause T5: what each of these settings must be wherever others than the developer come by.
ENCRYPTED: Final[dict[str, Any]] = {
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": A_YEAR,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "SESSION_COOKIE_NAME": "__Host-covenant",
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_HTTPONLY": True,
    "CSRF_USE_SESSIONS": True,
}

NAMED = 5  # of a role that owns everything, this many are proof enough


def refuse_plain_http() -> None:
    """Stop a process that would serve others unencrypted, or let its cookie travel so.

    Raises ImproperlyConfigured, naming the settings. A developer's own machine has no certificate;
    `development.refuse_a_server` sees to it that it is one.
    """
    if settings.DEVELOPMENT:
        return
    wrong = [name for name, value in ENCRYPTED.items() if getattr(settings, name) != value]
    if wrong:
        raise ImproperlyConfigured(
            "This is no developer's machine, so all of it must be HTTPS (clause T5), but changed "
            f"are: {', '.join(wrong)}."
        )


def refuse_a_powerful_role() -> None:
    """Stop a process whose database role row rules could not keep out.

    Raises ImproperlyConfigured, naming what the role of DATABASE_URL should not have.
    """
    with connection.cursor() as cursor:
        found: list[str] = []
        for question in (POWERS, POSSESSIONS, MEMBERSHIPS):
            cursor.execute(question)
            found += [answer for (answer,) in cursor.fetchmany(NAMED)]
    connection.close()
    if found:
        role = connection.settings_dict["USER"]
        raise ImproperlyConfigured(
            f"The web role {role}, which DATABASE_URL names, must not pass row rules by, but it "
            + ", ".join(found)
            + ". The README's production steps make one that does not."
        )
