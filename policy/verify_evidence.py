#!/usr/bin/env python3
"""Check evidence of who accepted which policy, offline and by itself: Python 3.9, nothing else.

    python3 verify_evidence.py receipt.json bundle.zip ...

A receipt holds all acceptances of one person, a bundle those of a company's policy by everybody.
Checked of each record: the text's hash, the hash over the record, its link to the one before, the
order of the times, and that whatever the file says twice is the same twice. Files given together
also have to agree on each person's records, and on which there are: whoever forges a whole file,
with every hash in it taken anew, is found out by anybody else's copy, and the surest by the
person's own receipt. Each failure is named; exit 1 when there is one.

No file can show who is behind a person's number. And names, a version's number and the moment it
came into force are not sealed with the record: they are compared with what else the file says.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

SCHEMA = "ISO/IEC TS 27560:2023"
KINDS = ("receipt", "bundle")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def problems(evidence: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a file's evidence; nothing, where all of it holds."""
    if evidence["schema_version"] != SCHEMA:
        yield f"schema_version: not {SCHEMA}"
    if evidence["kind"] not in KINDS:
        yield "kind: neither a receipt nor a bundle"
    notices = {}
    for number, notice in enumerate(evidence["privacy_notices"], 1):
        yield from problems_of_notice(notice, f"privacy notice {number}")
        named = notice["version_id"], notice["language"]
        if named in notices:
            yield f"privacy notice {number}: another text of this version, in this language"
        notices[named] = notice
    for number, record in enumerate(evidence["records"], 1):
        where = f"record {number}"
        yield from problems_of_record(record, where)
        yield from problems_with_notice(record, notices, where)
        if moment(record["event"]["accepted_at"]) > moment(evidence["made_at"]):
            yield f"{where}, times: accepted after this file was made"
    yield from problems_of_chains(evidence)


def problems_of_notice(notice: dict[str, Any], where: str) -> Iterator[str]:
    if hashlib.sha256(notice["text"].encode()).hexdigest() != notice["hash"]:
        yield f"{where}, text hash: the text is not the one with this hash"


def problems_of_record(record: dict[str, Any], where: str) -> Iterator[str]:
    if record_hash(record) != record["hash"]:
        yield f"{where}, hash: the record is not what was sealed when it was accepted"
    if record["schema_version"] != SCHEMA:
        yield f"{where}, schema_version: not {SCHEMA}"
    if record["event"]["event_type"] != "accepted":
        yield f"{where}, event_type: not an acceptance"
    if moment(record["event"]["shown_at"]) > moment(record["event"]["accepted_at"]):
        yield f"{where}, times: accepted before it was shown"


def problems_with_notice(
    record: dict[str, Any], notices: dict[tuple[str, str], Any], where: str
) -> Iterator[str]:
    said = record["privacy_notice"]
    notice = notices.get((said["version_id"], said["language"]))
    if notice is None:
        yield f"{where}, privacy notice: its text is not in this file"
        return
    for name in ("kind", "version", "hash"):
        if said[name] != notice[name]:
            yield f"{where}, privacy notice: its {name} is not that of the text"
    if record["pii_controller"] != notice["pii_controller"]:
        yield f"{where}, pii_controller: not the one whose policy this is"
    if moment(record["event"]["shown_at"]) < moment(notice["in_force_from"]):
        yield f"{where}, times: shown before it was in force"


def problems_of_chains(evidence: dict[str, Any]) -> Iterator[str]:
    """Each person's records: a receipt holds all of them, a bundle those of one policy."""
    chains: dict[Any, dict[int, Any]] = {}
    for number, record in enumerate(evidence["records"], 1):
        chain = chains.setdefault(record["pii_principal_id"], {})
        if record["number"] in chain:
            yield f"record {number}, chain: its number is there twice"
        chain[record["number"]] = (number, record)
    whole = evidence["kind"] != "bundle"
    if whole and len(chains) > 1:
        yield "pii_principal_id: a receipt is of one person"
    for chain in chains.values():
        for position, (number, record) in chain.items():
            yield from problems_of_link(chain.get(position - 1), record, f"record {number}", whole)


def problems_of_link(
    before: tuple[int, Any] | None, record: dict[str, Any], where: str, whole: bool
) -> Iterator[str]:
    if record["number"] == 1:
        if record["previous_hash"]:
            yield f"{where}, chain: the first, and yet it names one before"
    elif before is None:
        if whole:
            yield f"{where}, chain: the record before it is missing"
    elif before[1]["hash"] != record["previous_hash"]:
        yield f"{where}, chain: it does not follow from record {before[0]}"
    elif moment(before[1]["event"]["accepted_at"]) > moment(record["event"]["accepted_at"]):
        yield f"{where}, times: accepted before the record before it"


def record_hash(record: dict[str, Any]) -> str:
    """As the database took it (gate.acceptance_hash): over a JSON array, times in microseconds."""
    notice, event = record["privacy_notice"], record["event"]
    sealed = [
        record["number"],
        record["record_id"],
        record["pii_principal_id"],
        record["pii_controller"]["company"],
        notice["version_id"],
        notice["language"],
        notice["hash"],
        event["capacity"],
        microseconds(event["shown_at"]),
        microseconds(event["accepted_at"]),
        record["previous_hash"],
    ]
    return hashlib.sha256(json.dumps(sealed, ensure_ascii=False).encode()).hexdigest()


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def microseconds(text: str) -> int:
    return (moment(text) - EPOCH) // timedelta(microseconds=1)


def disagreements(files: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Records in which two files differ: of the same id, or the same number of one person's; and
    those that a receipt does not have, although it was made later."""
    seen: dict[tuple[Any, ...], tuple[str, str]] = {}
    for name, evidence in files.items():
        for number, record in enumerate(evidence["records"], 1):
            places = {
                "id": (record["record_id"],),
                "number": (record["pii_principal_id"], record["number"]),
            }
            for what, place in places.items():
                former, hash = seen.setdefault(place, (name, record["hash"]))
                if hash != record["hash"]:
                    yield f"{name}: record {number}: {former} holds another of the same {what}"
    for name, evidence in files.items():
        if evidence["kind"] == "receipt":
            yield from lacking(name, evidence, files)


def lacking(name: str, receipt: dict[str, Any], files: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What others hold of this person, and the receipt, which holds all until then, should."""
    people = {record["pii_principal_id"] for record in receipt["records"]}
    its_own = {record["record_id"] for record in receipt["records"]}
    for other, evidence in files.items():
        for number, record in enumerate(evidence["records"], 1):
            is_new = record["record_id"] not in its_own and record["pii_principal_id"] in people
            if is_new and moment(record["event"]["accepted_at"]) <= moment(receipt["made_at"]):
                yield f"{other}: record {number}: {name} should hold it, and does not"


def read(name: str) -> dict[str, Any]:
    """The evidence of a receipt, or of a bundle with its texts beside it. Raises ValueError
    for what two readers might read differently."""
    if not zipfile.is_zipfile(name):
        with open(name, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=once)
    with zipfile.ZipFile(name) as bundle:
        names = bundle.namelist()
        if len(set(names)) < len(names):
            raise ValueError("a file is in it twice")
        evidence = json.loads(bundle.read("evidence.json"), object_pairs_hook=once)
        for notice in evidence["privacy_notices"]:
            notice["text"] = bundle.read(notice["file"]).decode()
    return evidence


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object that says each of its names once."""
    said = dict(pairs)
    if len(said) < len(pairs):
        raise ValueError("a name is said twice")
    return said


def found_in(name: str, evidence: dict[str, Any]) -> Iterator[str]:
    try:
        yield from (f"{name}: {problem}" for problem in problems(evidence))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield f"{name}: not as evidence is written: {type(error).__name__} {error}"


def main(names: list[str]) -> int:
    if not names:
        sys.exit(__doc__)
    files, found = {}, []
    for name in names:
        try:
            files[name] = read(name)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            found.append(f"{name}: cannot be read: {error}")
    for name, evidence in files.items():
        found += found_in(name, evidence)
    if not found:
        found += disagreements(files)
    for problem in found:
        print(problem)
    if not found:
        many = sum(len(evidence["records"]) for evidence in files.values())
        print(f"{many} records hold: texts, hashes, chain and times.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
