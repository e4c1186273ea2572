"""What a system leaves behind: its tables, the files under them, its logs. Proofs look there."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from psycopg import sql

from accounts.proving import System

EVERY_TABLE: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""

PACKED: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")  # how what zlib has packed begins
MOST: Final = 65_536  # bytes of it that are looked through


def files_with(system: System, *words: str) -> list[str]:
    """The files that hold one of the words, in small letters or large, packed or not: tables,
    indexes, the write-ahead log, logs, letters."""
    with system.superuser() as superuser:
        superuser.execute("CHECKPOINT")  # what is in memory goes to its file
    sought = [word.lower().encode() for word in words]
    return [path.name for path in _files(system) if _holds(path, sought)]


def logs_with(system: System, *words: str) -> list[str]:
    """The logs and letters that hold one of the words: whatever is not the database's."""
    sought = [word.lower().encode() for word in words]
    return [
        path.name for path in _files(system) if "data" not in path.parts and _holds(path, sought)
    ]


def tables_with(system: System, word: str) -> list[str]:
    """The tables of which a row holds the word, in any column."""
    found = []
    with system.superuser() as superuser:
        for schema, table in superuser.execute(EVERY_TABLE).fetchall():
            question = sql.SQL(
                "SELECT EXISTS (SELECT FROM {} t WHERE strpos(lower(t::text), lower(%s)) > 0)"
            ).format(sql.Identifier(schema, table))
            if superuser.execute(question, [word]).fetchone() == (True,):
                found.append(table)
    return found


def _files(system: System) -> Iterator[Path]:
    for folder in system.folders:
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _holds(path: Path, words: list[bytes]) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # the server tidied it away meanwhile
        return False
    return any(word in text for text in _readable(content) for word in words)


def _readable(content: bytes) -> Iterator[bytes]:
    """It and what stands packed in it, in small letters: packing keeps nothing from a thief."""
    yield content.lower()
    for beginning in PACKED.finditer(content):
        with suppress(zlib.error):
            packed = content[beginning.start() : beginning.start() + MOST]
            yield zlib.decompressobj().decompress(packed, MOST).lower()
