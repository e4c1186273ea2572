"""What one takes back oneself is not held against one at the commit, and excuses nothing else."""

from __future__ import annotations

import psycopg
import pytest

from tests import people
from tests.accounts.revocations import (
    AURORA,
    REVOCATIONS,
    WRITE,
    begun,
    nothing_changed,
    refused,
    writing,
)

pytestmark = pytest.mark.django_db(transaction=True)

NO_VERSION = """
    INSERT INTO policy_policyversion (id, policy_id, material, bundled, effective_at, hashes)
    SELECT gen_random_uuid(), id, true, false, now(), '{}' FROM policy_policy WHERE false
"""
VERSION = """
    WITH version AS (
        INSERT INTO policy_policyversion
            (id, policy_id, material, bundled, effective_at, hashes, published_by_id)
        SELECT gen_random_uuid(), id, true, false, now(),
               jsonb_build_object('en', encode(sha256('# Ours'), 'hex')), gate.user_id()
          FROM policy_policy WHERE company_id = {company}
        RETURNING id)
    SELECT id FROM version
"""
TEXT = """
    INSERT INTO policy_policytext (id, version_id, language, body, summary)
    VALUES (gen_random_uuid(), %s, 'en', '# Ours', '')
"""
BOREALIS = AURORA.replace("aurora", "borealis")


def publish(web: psycopg.Connection, company: str) -> None:
    [version] = web.execute(VERSION.format(company=company)).fetchone() or []
    web.execute(TEXT, [version])


def test_to_publish_nothing_excuses_nobody(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing(people.gail) as web:
        web.execute(NO_VERSION)
        owner.execute(REVOCATIONS["a policy to accept"])
        assert refused(web)
    assert nothing_changed(superuser)


def test_to_publish_ones_own_policy_excuses_from_no_other(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing(people.adam) as web:
        publish(web, AURORA)
        owner.execute(REVOCATIONS["a policy to accept"])
        assert refused(web)
    assert nothing_changed(superuser)


def test_to_publish_in_one_company_excuses_from_nothing_in_another(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """Mia works in Aurora, and runs Borealis."""
    here, there = people.pass_of(people.mia, "aurora"), people.pass_of(people.mia, "borealis")
    with begun(here) as web:
        web.execute(WRITE)
        web.execute("SELECT gate.enter(current_setting('gate.app'), %s)", [there])
        publish(web, BOREALIS)
        with owner.transaction():
            publish(owner, AURORA)
        assert refused(web)
    assert nothing_changed(superuser)


def test_who_publishes_commits_what_he_wrote_before(superuser: psycopg.Connection) -> None:
    with writing(people.adam) as web:
        publish(web, AURORA)
        web.commit()
    assert not nothing_changed(superuser)


def test_to_sweep_a_pass_whose_time_is_over_is_not_to_sign_out(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing(people.gail) as web:
        owner.execute(REVOCATIONS["pass over"])
        assert web.execute("SELECT gate.sweep_passes()").fetchone() != (0,)
        assert refused(web)
    assert nothing_changed(superuser)
