#!/usr/bin/env python3
"""Check a company's audit, offline and by itself: Python 3.9, nothing else.

    python3 verify_audit.py covenant-aurora-2026-11-23.zip [NUMBER:HASH ...]

The file is what an owner takes along (Account, "Take the company's data along"). Each entry has its
number, the hash of the entry before and its own, over all that it says. So it is found, and named,
which entry was edited, taken out, exchanged with another or put in anew. NUMBER:HASH is where the
chain ended one day, as it was mailed to the owner: with it is found, too, whether the end was cut
off, and whether the whole chain was written anew, which no file can show by itself.

A name that an account's deletion has taken out leaves its seal: the entry holds without it.
Exit 1 when anything is found.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

Entry = dict[str, Any]
Heads = dict[int, str]

FILE = "company/auditchain.json"
COMPARED = 100  # of those that do not hold, so many are held to see whether two were exchanged
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SAID = (
    "company_id", "id", "at", "actor_id", "actor_seal", "person_id", "person_seal", "action",
    "object_type", "object_id", "object_name", "changes", "grant_id",
)  # fmt: skip


def problems(entries: Iterable[Entry], heads: Heads) -> Iterator[str]:
    """What is wrong with a company's chain, given in the order of its numbers; `heads` are hashes
    known from elsewhere, by number. Nothing, where all of it holds."""
    wrong: list[Entry] = []
    number, hash = 0, ""
    for entry in entries:
        yield from problems_of_link(entry, number, hash)
        yield from problems_of_names(entry)
        if entry_hash(entry) != entry["hash"]:
            if len(wrong) < COMPARED:
                wrong.append(entry)
            else:
                yield f"{name(entry)}: {what_happened(entry, wrong)}"
        number, hash = entry["number"], entry["hash"]
        if heads.get(number, hash) != hash:
            yield f"{name(entry)}: written anew: its hash was {heads[number]}"
    for entry in wrong:
        yield f"{name(entry)}: {what_happened(entry, wrong)}"
    for missing in sorted(known for known in heads if known > number):
        yield f"entry {number + 1}: cut off, with all up to entry {missing} at least"


def problems_of_link(entry: Entry, number: int, hash: str) -> Iterator[str]:
    """`number` and `hash` are those of the entry before."""
    if entry["number"] != number + 1:
        missing = range(number + 1, entry["number"])
        yield from (f"entry {each}: deleted" for each in missing[:100])
        if len(missing) > 100:
            yield f"entry {missing[100]}: deleted, and so are all up to entry {missing[-1]}"
    elif entry["previous_hash"] != hash:
        yield (
            f"entry {number}: written anew: entry {entry['number']} was chained to another"
            if number
            else f"{name(entry)}: the first, and yet it names one before"
        )


def problems_of_names(entry: Entry) -> Iterator[str]:
    for role in ("actor", "person"):
        known, salt = entry[f"{role}_name"], entry[f"{role}_salt"]
        if known is not None and name_seal(salt or "", known) != entry[f"{role}_seal"]:
            yield f"{name(entry)}: edited: its {role} had another name"


def what_happened(entry: Entry, wrong: list[Entry]) -> str:
    """Of one that does not say what was chained, given all of these."""
    if entry["action"] is None:
        return "deleted: only its place in the chain is left"
    for other in wrong:
        if chain_hash(other["number"], other["previous_hash"], digest(entry)) == other["hash"]:
            return f"exchanged: it says what entry {other['number']} said"
    return "edited: it does not say what was chained"


def entry_hash(entry: Entry) -> str:
    return chain_hash(entry["number"], entry["previous_hash"], digest(entry))


def chain_hash(number: int, previous: str, digest: str) -> str:
    """As the database took it (gate.chain_hash)."""
    return sha256(json.dumps([number, previous, digest]))


def digest(entry: Entry) -> str:
    """Of all that an entry says, as the database took it (gate.entry_digest): a JSON array with the
    time in microseconds, and an object's keys in jsonb's order."""
    said = [in_order(entry[field]) for field in SAID]
    if entry["at"] is not None:
        said[SAID.index("at")] = microseconds(entry["at"])
    return sha256(json.dumps(said, ensure_ascii=False))


def name_seal(salt: str, known: str) -> str:
    return sha256(salt + known)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def in_order(value: Any) -> Any:
    """With the keys of objects sorted as jsonb has them: the shorter first."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: in_order(value[key]) for key in keys}
    return [in_order(each) for each in value] if isinstance(value, list) else value


def microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def name(entry: Entry) -> str:
    return f"entry {entry['number']} ({entry['id']})"


def read(path: str) -> Iterator[Entry]:
    """One after another: each stands on a line of its own."""
    with zipfile.ZipFile(path) as archive, archive.open(FILE) as lines:
        for line in lines:
            if entry := line.strip(b",[] \r\n"):
                yield json.loads(entry)


def read_heads(given: Iterable[str]) -> Heads:
    """Raises ValueError."""
    heads = {}
    for each in given:
        number, _, hash = each.partition(":")
        heads[int(number)] = hash
    return heads


def main(given: list[str]) -> int:
    if not given:
        sys.exit(__doc__)
    last: Entry = {"number": 0, "hash": ""}
    holds = True
    try:
        for problem in problems(noted(read(given[0]), last), read_heads(given[1:])):
            holds = False
            print(problem)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        holds = False
        print(f"{FILE} cannot be read: {type(error).__name__} {error}")
    if holds:
        print(f"{last['number']} entries hold. The last is {last['number']}:{last['hash']}")
    return 0 if holds else 1


def noted(entries: Iterable[Entry], last: Entry) -> Iterator[Entry]:
    """The same; `last` is always the one given out last."""
    for entry in entries:
        last.update(entry)
        yield entry


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
