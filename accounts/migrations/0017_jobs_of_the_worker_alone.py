"""Jobs are seen by the worker alone, and queued with the issuing key.

Under the rule before (0005), SQL smuggled into any request read, stopped and added the jobs of all
companies: a letter with a link of its choice, from the site, to anybody. Now the worker's own
connections present a key of their own, which no request's transaction ever does.

The owner is let past the rules: a migration of procrastinate's presents no key, and the functions
here run as the owner. procrastinate's triggers name their tables without a schema.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TABLES = (
    "procrastinate_jobs",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
)
RULE = """
DROP POLICY application ON {table};
CREATE POLICY worker ON {table} USING ((SELECT gate.working()));
ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
"""

WORKING = """
-- Is it the worker, on a connection that no request gets?
CREATE FUNCTION gate.working() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM gate.application WHERE purpose = 'work'
        AND hash = sha256(convert_to(current_setting('gate.app', true), 'UTF8')));
END $$;
REVOKE ALL ON FUNCTION gate.working() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.working() TO :web;
"""

QUEUEING = """
-- Queues a job. One of the same name that still waits gives way to it; one that is being done runs to
-- its end first.
CREATE FUNCTION gate.queue_job(issue_key text, a_task text, a_queue text, a_name text, told jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM set_config('search_path', 'pg_catalog, public, pg_temp', true);  -- until we return
    DELETE FROM public.procrastinate_jobs j WHERE j.lock = a_name AND j.status = 'todo';
    PERFORM public.procrastinate_defer_jobs_v1(ARRAY[ROW(a_queue, a_task, 0, a_name, NULL, told, NULL)
        ]::public.procrastinate_job_to_defer_v1[]);
END $$;

-- How the last job of that name stands, and in which queue; nothing where there is none.
CREATE FUNCTION gate.job_state(issue_key text, a_name text) RETURNS TABLE (status text, queue text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN QUERY SELECT j.status::text, j.queue_name::text FROM public.procrastinate_jobs j
                  WHERE j.lock = a_name ORDER BY j.id DESC LIMIT 1;
END $$;

CREATE FUNCTION gate.job_counts(issue_key text)
RETURNS TABLE (task text, status text, number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN QUERY SELECT j.task_name::text, j.status::text, count(*)
                   FROM public.procrastinate_jobs j GROUP BY 1, 2;
END $$;

REVOKE ALL ON FUNCTION gate.queue_job(text, text, text, text, jsonb), gate.job_state(text, text),
    gate.job_counts(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.queue_job(text, text, text, text, jsonb),
    gate.job_state(text, text), gate.job_counts(text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0016_every_pass_checked")]
    operations: ClassVar = [  # for good: the former rule was a leak
        guard(WORKING),
        *(guard(RULE.format(table=table)) for table in TABLES),
        guard(QUEUEING),
    ]
