"""How a company's people stand towards the policies in force (clause C2: the company sees it)."""

from __future__ import annotations

import json
from datetime import datetime

from django.db import connection
from django.db.models import Max

from accounts.gate import Entry
from accounts.people import Standing
from policy.models import Acceptance, Kind


def of_company(entry: Entry) -> dict[int, Standing]:
    """By user id; empty for whoever does not publish the company's policy."""
    if not entry.may("company.policy"):
        return {}
    accepted_at: dict[int, datetime] = dict(
        Acceptance.objects.filter(company=entry.company_id)
        .values_list("user_id")
        .annotate(Max("accepted_at"))
    )
    labels = {kind.value: str(kind.label) for kind in Kind}
    return {
        user_id: Standing(
            accepted_at.get(user_id), tuple(labels[document["kind"]] for document in missing)
        )
        for user_id, missing in _missing_by_user(entry)
    }


def _missing_by_user(entry: Entry) -> list[tuple[int, list[dict[str, str]]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, gate.waiting_for(user_id, company_id) FROM accounts_membership"
            " WHERE company_id = %s AND left_at IS NULL",
            [entry.company_id],
        )
        return [(user_id, json.loads(missing or "[]")) for user_id, missing in cursor.fetchall()]
