"""Everything in the database's catalog that guards: what two databases are compared by.

A row rule, trigger or right that somebody takes away by hand from a running database leaves the
code, its migrations and its tests as they were. So a proof compares the running database with one
that was made from the same migrations just now.
"""

from __future__ import annotations

from typing import Final

from django.db import connections

from accounts.founding import OWNER

# Roles by the part they play, since two systems name them differently; tables and sequences but
# for the companies' own, of which each database has others.
KNOWN: Final = """
WITH part AS (
    SELECT 0::oid AS oid, 'everybody' AS name
    UNION ALL SELECT r.oid, CASE r.oid
        WHEN (SELECT oid FROM pg_roles WHERE rolname = %s) THEN 'the web role'
        WHEN (SELECT datdba FROM pg_database WHERE datname = current_database()) THEN 'the owner'
        ELSE 'the role ' || r.rolname END
      FROM pg_roles r
), ours AS (
    SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'gate', 'numbers')
       AND NOT (n.nspname = 'numbers' AND starts_with(c.relname, 'company_'))
)
"""

# Each names what guards, and says how.
QUESTIONS: Final = (
    # whether row rules are on, and bind the owner too
    """
    SELECT 'table ' || c.relname, format('row rules %%s, forced %%s, owned by %%s',
           c.relrowsecurity, c.relforcerowsecurity, part.name)
      FROM ours c JOIN part ON part.oid = c.relowner WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    """,
    # rights to whole tables, whoever holds them
    """
    SELECT format('right of %%s to %%s', part.name, c.relname),
           string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
      FROM ours c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN part ON part.oid = a.grantee
     WHERE a.grantee <> c.relowner GROUP BY part.name, c.relname
    """,
    # and to columns
    """
    SELECT format('right of %%s to %%s.%%s', part.name, c.relname, t.attname),
           string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
      FROM ours c JOIN pg_attribute t ON t.attrelid = c.oid
     CROSS JOIN LATERAL aclexplode(t.attacl) a JOIN part ON part.oid = a.grantee
     GROUP BY part.name, c.relname, t.attname
    """,
    """
    SELECT format('row rule %%s of %%s', policyname, tablename),
           format('%%s %%s for %%s using %%s check %%s', permissive, cmd,
                  replace(roles::text, current_user, 'the owner'), qual, with_check)
      FROM pg_policies WHERE schemaname = 'public'
    """,
    # triggers, and whether they fire
    """
    SELECT format('trigger %%s of %%s', t.tgname, c.relname),
           t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
      FROM pg_trigger t JOIN ours c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
    """,
    # functions: what they do, as whom, and who may call them
    """
    SELECT 'function ' || p.oid::regprocedure,
           format('%%s, as owner %%s, with %%s, for %%s', md5(p.prosrc), p.prosecdef, p.proconfig,
                  (SELECT string_agg(part.name, ', ' ORDER BY part.name)
                     FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                     JOIN part ON part.oid = a.grantee WHERE a.grantee <> p.proowner))
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname IN ('public', 'gate')
    """,
    """
    SELECT format('constraint %%s of %%s', k.conname, c.relname),
           format('valid %%s, %%s', k.convalidated, pg_get_constraintdef(k.oid))
      FROM pg_constraint k JOIN ours c ON c.oid = k.conrelid
    """,
    # the powers of the role that serves, and the roles it may become
    """
    SELECT part.name,
           format('superuser %%s, bypasses row rules %%s, makes roles %%s, member of %%s',
                  r.rolsuper, r.rolbypassrls, r.rolcreaterole,
                  ARRAY(SELECT m.roleid::regrole FROM pg_auth_members m WHERE m.member = r.oid))
      FROM pg_roles r JOIN part ON part.oid = r.oid WHERE part.name = 'the web role'
    """,
    "SELECT format('permission %%s of %%s', permission, role), scope FROM gate.permission",
)


def guards() -> dict[str, str]:
    """What guards this database, by name. Asked by the owner role."""
    web = connections["default"].settings_dict["USER"]
    found: dict[str, str] = {}
    with connections[OWNER].cursor() as cursor:
        for question in QUESTIONS:
            cursor.execute(KNOWN + question, [web])
            found.update(cursor.fetchall())
    return found


def differences(here: dict[str, str], there: dict[str, str]) -> list[str]:
    """The names of what is missing here, is here only, or is not the same."""
    return sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
