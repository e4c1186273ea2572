"""The database's own catalog, held against what the design promises of every table.

A table, view or function that somebody adds later and forgets to guard fails here.
"""

from __future__ import annotations

import re

import psycopg
import pytest
from django.apps import apps

from accounts.rowrules import NO_PERSON_AND_NO_COMPANY, READ_BEFORE_A_COMPANY_IS_KNOWN

NAMED = READ_BEFORE_A_COMPANY_IS_KNOWN | NO_PERSON_AND_NO_COMPANY
TABLES = "SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c \
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r','p')"


@pytest.fixture
def web_role() -> str:
    from django.conf import settings

    return settings.DATABASES["default"]["USER"]


def columns_of(owner: psycopg.Connection, oid: int, numbers: list[int]) -> list[str]:
    rows = owner.execute(
        "SELECT attnum, attname FROM pg_attribute WHERE attrelid = %s", [oid]
    ).fetchall()
    names = dict(rows)
    return [names[number] for number in numbers]


def company_owned(owner: psycopg.Connection) -> list[tuple[int, str, bool, bool]]:
    return [row for row in owner.execute(TABLES).fetchall() if row[1] not in NAMED]


def test_every_table_has_forced_row_rules_or_a_stated_reason(owner: psycopg.Connection) -> None:
    unguarded = [
        name for _, name, enabled, forced in company_owned(owner) if not (enabled and forced)
    ]
    assert unguarded == []


def test_every_named_exception_is_a_table_that_exists(owner: psycopg.Connection) -> None:
    existing = {row[1] for row in owner.execute(TABLES).fetchall()}
    assert set(NAMED) <= existing


def test_what_is_read_before_a_company_is_known_has_row_rules(owner: psycopg.Connection) -> None:
    enabled = {row[1] for row in owner.execute(TABLES).fetchall() if row[2]}
    assert set(READ_BEFORE_A_COMPANY_IS_KNOWN) <= enabled


def test_keys_of_company_owned_tables_lead_with_the_company(owner: psycopg.Connection) -> None:
    wrong = []
    for oid, name, *_ in company_owned(owner):
        for key, numbers in owner.execute(
            "SELECT i.indexrelid::regclass::text, i.indkey::int2[] FROM pg_index i "
            "WHERE i.indrelid = %s AND i.indisunique",
            [oid],
        ).fetchall():
            if columns_of(owner, oid, numbers[:1]) != ["company_id"]:
                wrong.append((name, key))
    assert wrong == []


def test_references_between_company_owned_tables_carry_the_company(
    owner: psycopg.Connection,
) -> None:
    ours = {name for _, name, *_ in company_owned(owner)}
    wrong = [
        (table, constraint)
        for table, constraint, definition in owner.execute(
            "SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) "
            "FROM pg_constraint c WHERE c.contype = 'f'"
        ).fetchall()
        if definition.split("REFERENCES ")[1].split("(")[0] in ours
        and not definition.startswith("FOREIGN KEY (company_id,")
    ]
    assert wrong == []


def test_each_command_has_one_permissive_rule_that_names_the_claim(
    owner: psycopg.Connection,
) -> None:
    """For everybody; and one for the owner, whose functions add what a sender's key may, and who
    checks the audit."""
    ours = {name for _, name, *_ in company_owned(owner)}
    rules = owner.execute(
        "SELECT tablename, cmd, roles, permissive, coalesce(qual, with_check) FROM pg_policies "
        "WHERE schemaname = 'public'"
    ).fetchall()
    seen = [(table, command, tuple(roles)) for table, command, roles, *_ in rules]
    assert len(seen) == len(set(seen))
    assert {permissive for *_, permissive, _ in rules} == {"PERMISSIVE"}
    loose = [
        (table, command)
        for table, command, _, _, rule in rules
        if table in ours and f"company_id = {CLAIM}" not in rule
    ]
    assert loose == []


# As PostgreSQL prints it. Only the planner is to rely on it: a setting can change while a statement
# is under way, so what a rule compares rows with comes out of one answer of the gate.
CLAIM = "(NULLIF(current_setting('gate.company'::text, true), ''::text))::bigint"
BOUND = re.compile(
    r"company_id = \( SELECT gate\.(whole|company|reached|enrolled|quietly_whole|closing"
    r"|sender_company|acting_company|checking)\("
    r"|\(\(company_id, \w+\) = \( SELECT .* FROM gate\.(granted|doer|sender)\(",
    re.DOTALL,
)
ASKED_APART = re.compile(r"SELECT gate\.(allows|scope|claim)\(")


def test_each_rule_takes_the_company_from_the_pass(owner: psycopg.Connection) -> None:
    rules = owner.execute(
        "SELECT tablename, cmd, coalesce(qual, with_check) FROM pg_policies"
        " WHERE schemaname = 'public'"
    ).fetchall()
    claiming = [rule for rule in rules if CLAIM in rule[2] or "gate.claim()" in rule[2]]
    assert {table for _, table, *_ in company_owned(owner)} <= {table for table, *_ in claiming}
    assert [rule for rule in claiming if not BOUND.search(rule[2])] == []
    assert [rule for rule in rules if ASKED_APART.search(rule[2])] == []


def test_the_web_role_owns_nothing_and_bypasses_nothing(
    owner: psycopg.Connection, web_role: str
) -> None:
    role = owner.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
        "WHERE rolname = %s",
        [web_role],
    ).fetchone()
    assert role == (False, False, False, False)
    owned = owner.execute(
        "SELECT relname FROM pg_class WHERE relowner = %s::regrole "
        "UNION ALL SELECT proname FROM pg_proc WHERE proowner = %s::regrole "
        "UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = %s::regrole",
        [web_role] * 3,
    ).fetchall()
    assert owned == []


@pytest.mark.parametrize("privilege", ["TRUNCATE", "REFERENCES", "TRIGGER"])
def test_the_web_role_has_no_right_that_row_rules_do_not_see(
    owner: psycopg.Connection, web_role: str, privilege: str
) -> None:
    held = [
        name
        for oid, name, *_ in owner.execute(TABLES).fetchall()
        if owner.execute(
            "SELECT has_table_privilege(%s, %s::oid, %s)", [web_role, oid, privilege]
        ).fetchone()[0]
    ]
    assert held == []


def test_what_is_written_with_a_pass_is_asked_about_again_at_the_commit(
    owner: psycopg.Connection, web_role: str
) -> None:
    written = {
        name
        for oid, name, *_ in owner.execute(TABLES).fetchall()
        if owner.execute(
            "SELECT has_any_column_privilege(%s, %s::oid, 'INSERT, UPDATE')"
            " OR has_table_privilege(%s, %s::oid, 'DELETE')",
            [web_role, oid, web_role, oid],
        ).fetchone()[0]
    }
    for trigger in ("note_write_begun", "note_write"):
        watched = owner.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s AND tgenabled = 'O'",
            [trigger],
        ).fetchall()
        assert {name for (name,) in watched} == written - set(NO_PERSON_AND_NO_COMPANY)


def test_no_moment_or_sum_is_written_that_python_does_not_read(
    owner: psycopg.Connection, web_role: str
) -> None:
    unbounded = owner.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND a.atttypid IN ('numeric'::regtype, 'timestamptz'::regtype) AND NOT EXISTS ("
        " SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname LIKE '%%_finite'"
        " AND k.conkey = ARRAY[a.attnum])"
        " AND has_column_privilege(%s, c.oid, a.attnum, 'INSERT, UPDATE')",
        [web_role],
    ).fetchall()
    assert {table for table, _column in unbounded} <= set(NO_PERSON_AND_NO_COMPANY)


@pytest.mark.parametrize("table", ["accounts_pass", "accounts_attempt"])
def test_the_web_role_has_no_right_to_passes_and_counts(
    owner: psycopg.Connection, web_role: str, table: str
) -> None:
    held = owner.execute(
        "SELECT has_any_column_privilege(%s, %s, 'SELECT, INSERT, UPDATE')"
        " OR has_table_privilege(%s, %s, 'DELETE')",
        [web_role, table] * 2,
    ).fetchone()
    assert held == (False,)


def test_the_web_role_uses_no_sequence_but_the_workers(
    owner: psycopg.Connection, web_role: str
) -> None:
    used = owner.execute(
        "SELECT c.relname FROM pg_class c WHERE CASE WHEN c.relkind = 'S' THEN "
        "has_sequence_privilege(%s, c.oid, 'SELECT, USAGE, UPDATE') END ORDER BY 1",
        [web_role],
    ).fetchall()
    assert [name for (name,) in used] == [
        "procrastinate_events_id_seq",
        "procrastinate_jobs_id_seq",
        "procrastinate_periodic_defers_id_seq",
    ]


def test_functions_that_run_as_the_owner_fix_their_search_path(owner: psycopg.Connection) -> None:
    loose = owner.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.prosecdef "
        "AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)"
    ).fetchall()
    assert loose == []


def test_only_the_gates_own_functions_run_as_the_owner_for_the_web_role(
    owner: psycopg.Connection, web_role: str
) -> None:
    callable_ = owner.execute(
        "SELECT n.nspname || '.' || p.proname FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE p.prosecdef AND p.prorettype <> 'trigger'::regtype "
        "AND has_function_privilege(%s, p.oid, 'EXECUTE')",
        [web_role],
    ).fetchall()
    assert {name for (name,) in callable_} == CALLABLE


CALLABLE = {
    f"gate.{name}"
    for name in (
        # who is asking, and what that pass may do
        "vouched", "scope", "allows", "whole", "company", "reached", "enrolled", "quietly_whole",
        "granted", "share", "doer", "user_id", "is_operator", "company_under_policy", "may_publish",
        "may_accept", "other_operators",
        "waiting_for", "declare_citizenship", "remind", "count_visit", "count_refusals",
        "refusal_totals",
        # requests of authorities
        "open_disclosure", "take_package", "company_to_tell", "note_told", "disclosures",
        "announce",
        "attempts", "keep_attempts", "forget_attempts", "sweep_attempts",
        # passes, and what one does with one's own
        "add_person", "set_password", "password_stands", "enter", "verify", "open_pass",
        "keep_pass", "end_pass", "sweep_passes", "choose_company",
        "prove_pass", "renew_pass", "tell_of_refusal", "fresh", "fresh_factor", "open_factors",
        "opened_to", "is_support",
        "leave_company", "open_export", "taking_along", "delete_account", "close_company",
        "clear_company",
        "closing", "sweep_inquiries", "retaining",
        "sweep_exports", "read_invitation", "redeem_invitation",
        # access links
         "ask_with_link", "confirm_grant", "revoke_grant", "end_access", "look",
         "grant_elsewhere", "end_access_elsewhere",
        "deeds_under", "last_opened", "letter_about_access",
        # the heads of the audit's chains
        "heads_due", "keep_head",
        # partners' machines
        "make_key", "enter_with_key", "sender", "sender_company", "sealing_keys", "add_lead",
        "count_refused_lead", "telling",
        # jobs
        "working", "queue_job", "job_state", "job_counts",
    )
}  # fmt: skip


def test_there_is_no_view_to_look_around_the_rules(owner: psycopg.Connection) -> None:
    views = owner.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert views == []


def test_the_permissions_in_the_database_are_those_in_the_table(owner: psycopg.Connection) -> None:
    from accounts.permissions import PERMISSIONS

    stored = owner.execute("SELECT permission, role, scope FROM gate.permission").fetchall()
    assert set(stored) == {
        (permission, role, scope)
        for permission, scopes in PERMISSIONS.items()
        for role, scope in scopes.items()
    }


def test_every_model_of_ours_is_a_guarded_or_a_named_table() -> None:
    tables = {
        model._meta.db_table
        for app in ("accounts", "policy", "orders")
        for model in apps.get_app_config(app).get_models()
        if "company_id" not in {field.attname for field in model._meta.fields}
    }
    assert tables <= set(NAMED)
