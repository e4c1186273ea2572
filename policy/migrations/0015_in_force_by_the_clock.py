"""A version is in force from its moment, also for what comes later within one message of SQL."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

WAITING = """
CREATE OR REPLACE FUNCTION gate.missing_policies(a_user bigint, a_company bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE waiting jsonb; bound boolean;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('kind', d.kind, 'policy', d.policy,
                                        'version', d.number, 'id', d.id))
               FILTER (WHERE NOT d.accepted),
           bool_or(d.kind = 'crm')
      INTO waiting, bound
      FROM (SELECT p.id AS policy, p.kind, v.id, v.number, EXISTS (
                   SELECT FROM public.policy_acceptance a
                     JOIN public.policy_policyversion w ON w.id = a.version_id
                    WHERE a.user_id = a_user AND w.policy_id = p.id AND w.number >= v.required
                   ) AS accepted
              FROM public.policy_policy p
             CROSS JOIN LATERAL (
                   SELECT u.id, u.number, u.required FROM public.policy_policyversion u
                    WHERE u.policy_id = p.id AND u.effective_at <= clock_timestamp()
                    ORDER BY u.number DESC LIMIT 1) v
             WHERE p.kind = 'crm' OR p.company_id = a_company) d;
    IF bound IS NOT TRUE THEN
        RETURN coalesce(waiting, '[]')
            || '{"kind": "crm", "policy": null, "version": null, "id": null}';
    END IF;
    RETURN waiting;
END $$;

CREATE OR REPLACE FUNCTION gate.policies_stand_until(a_company bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT coalesce(min(v.effective_at), 'infinity') FROM public.policy_policyversion v
      JOIN public.policy_policy p ON p.id = v.policy_id
     WHERE (p.kind = 'crm' OR p.company_id = a_company) AND v.effective_at > clock_timestamp()
$$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0014_told_once_handed_over"),
        ("accounts", "0020_doubted_without_a_turn"),
    ]
    operations: ClassVar = [guard(WAITING)]  # for good
