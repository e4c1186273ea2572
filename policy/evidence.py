"""Acceptances as evidence that somebody else can check: a person's receipt, a company's bundle.

Fields are named as in ISO/IEC TS 27560, which calls the record of a consent a receipt; what is
accepted here is a notice. A person appears as the account's number alone, which is what the
database sealed and what outlives the account. `verify_evidence.py` checks either, by itself.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from accounts.formulas import to_csv
from accounts.models import User
from policy.models import Acceptance, PolicyText, PolicyVersion
from policy.verify_evidence import SCHEMA

VERIFIER: Final = Path(__file__).with_name("verify_evidence.py")
Facts = dict[str, Any]


def receipt(user_id: int, *, platform: str) -> Facts:
    """All that this person has accepted, with the texts; `platform` names who runs this site."""
    records = list(_acceptances().filter(user_id=user_id))
    accepted = {(each.version_id, each.language) for each in records}
    texts = [
        text
        for text in _texts().filter(version__in=[each.version_id for each in records])
        if (text.version_id, text.language) in accepted
    ]
    notices = [{**_notice(text, platform), "text": text.sealed} for text in texts]
    return _evidence("receipt", notices, records, platform)


def bundle(company_id: int, *, platform: str) -> bytes:
    """A ZIP: all acceptances of the company's policy, its texts, the people whom the numbers stand
    for as far as they are still known, and the verifier."""
    records = list(_acceptances().filter(company_id=company_id))
    texts = list(_texts().filter(version__company=company_id))
    notices = [{**_notice(text, platform), "file": _file_name(text)} for text in texts]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence.json", written(_evidence("bundle", notices, records, platform)))
        archive.writestr("people.csv", _people({each.user_id for each in records}))
        archive.writestr(VERIFIER.name, VERIFIER.read_bytes())
        for text in texts:
            archive.writestr(_file_name(text), text.sealed.encode())
    return packed.getvalue()


def written(evidence: Facts) -> bytes:
    return json.dumps(evidence, ensure_ascii=False, indent=2).encode()


def _evidence(
    kind: str, notices: list[Facts], records: Iterable[Acceptance], platform: str
) -> Facts:
    return {
        "schema_version": SCHEMA,
        "kind": kind,
        "made_at": _moment(timezone.now()),
        "privacy_notices": notices,
        "records": [_record(each, platform) for each in records],
    }


def _acceptances() -> Any:
    return Acceptance.objects.select_related("version__company").order_by("user_id", "number")


def _texts() -> Any:
    return PolicyText.objects.select_related("version__company").order_by(
        "version__kind", "version__number", "language"
    )


def _notice(text: PolicyText, platform: str) -> Facts:
    return {
        **_version(text.version, text.language),
        "hash": text.hash,
        "in_force_from": _moment(text.version.effective_at),
        "pii_controller": _controller(text.version, platform),
    }


def _record(accepted: Acceptance, platform: str) -> Facts:
    return {
        "schema_version": SCHEMA,
        "record_id": str(accepted.id),
        "pii_principal_id": accepted.user_id,
        "pii_controller": _controller(accepted.version, platform),
        "privacy_notice": {
            **_version(accepted.version, accepted.language),
            "hash": accepted.text_hash,
        },
        "event": {
            "event_type": "accepted",
            "capacity": accepted.capacity,
            "shown_at": _moment(accepted.shown_at),
            "accepted_at": _moment(accepted.accepted_at),
        },
        "number": accepted.number,
        "previous_hash": accepted.previous_hash,
        "hash": accepted.hash,
    }


def _version(version: PolicyVersion, language: str) -> Facts:
    return {
        "kind": version.kind,
        "version": version.number,
        "version_id": str(version.pk),
        "language": language,
    }


def _controller(version: PolicyVersion, platform: str) -> Facts:
    """Whose promise it is. A company has a number of its own in the sealed record, the platform
    none."""
    company = version.company
    return {"name": company.name if company else platform, "company": version.company_id}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _file_name(text: PolicyText) -> str:
    return f"texts/{text.version.number}.{text.language}.md"


def _people(ids: set[int]) -> bytes:
    return to_csv([("pii_principal_id", "name", "e-mail"), *_known(ids)])


def _known(ids: set[int]) -> Iterator[tuple[int, str, str]]:
    for user in User.objects.filter(pk__in=ids).order_by("pk"):
        yield user.pk, user.name, user.email
