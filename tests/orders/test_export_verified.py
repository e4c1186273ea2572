"""An owner checks the audit in the archive that they took along, by the script that lies in it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from accounts.verify_audit import FILE, Entry, chain_hash, digest
from orders.exports import VERIFIER
from tests.orders.test_exports import built
from tests.people import ann, as_, gail

pytestmark = pytest.mark.django_db

Chain = list[Entry]


class Checked(NamedTuple):
    """How the script ended, and what it said, a line each."""

    status: int
    said: list[str]


class Taken:
    """An archive on the owner's disk, opened there, and nothing else of the product."""

    def __init__(self, archive: zipfile.ZipFile, folder: Path) -> None:
        archive.extractall(folder)
        self.script = folder / VERIFIER
        self.folder = folder
        self.chain: Chain = json.loads((folder / FILE).read_text())

    def checked(self, chain: Chain | None = None, head: str = "") -> Checked:
        """Of the archive packed anew, with that chain in it."""
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in chain or self.chain)
        packed = self.folder / "covenant.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(FILE, f"[\n{lines}\n]\n")
        return run(self.script, packed, head)

    @property
    def head(self) -> str:
        """The line of the letter."""
        return f"{self.chain[-1]['number']}:{self.chain[-1]['hash']}"


def run(script: Path, archive: Path, *heads: str) -> Checked:
    """As on a machine where nothing is installed."""
    done = subprocess.run(
        [sys.executable, "-I", script, archive, *filter(None, heads)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return Checked(done.returncode, done.stdout.splitlines())


@pytest.fixture
def taken(tmp_path: Path) -> Taken:
    return Taken(built(ann, of_company=True), tmp_path)


def test_the_archive_as_it_was_taken_holds(tmp_path: Path) -> None:
    archive = built(ann, of_company=True)
    taken = Taken(archive, tmp_path)
    packed = tmp_path / "as-it-was.zip"
    assert isinstance(archive.fp, io.BytesIO)
    packed.write_bytes(archive.fp.getvalue())
    many = len(taken.chain)
    assert many > 5
    assert run(taken.script, packed) == (0, [f"{many} entries hold. The last is {taken.head}"])
    assert run(taken.script, packed, taken.head).status == 0


def edited(chain: Chain) -> None:
    chain[2]["action"] = "person.left"


def edited_with_its_hash(chain: Chain) -> None:
    edited(chain)
    chain[2]["hash"] = chain_hash(3, chain[2]["previous_hash"], digest(chain[2]))


def renamed(chain: Chain) -> None:
    chain[2]["actor_name"] = "Nobody"


def deleted(chain: Chain) -> None:
    del chain[2]


PLACE = ("number", "previous_hash", "hash")


def swapped(chain: Chain) -> None:
    """What the two say; each place in the chain is as it was."""
    places = [{name: chain[at][name] for name in PLACE} for at in (1, 3)]
    chain[1], chain[3] = chain[3] | places[0], chain[1] | places[1]


TAMPERINGS = {
    edited: ["entry 3 (", "edited: it does not say what was chained"],
    edited_with_its_hash: ["entry 3: written anew: entry 4 was chained to another"],
    renamed: ["entry 3 (", "edited: its actor had another name"],
    deleted: ["entry 3: deleted"],
    swapped: ["entry 2 (", "exchanged: it says what entry 4 said"],
}


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_what_was_done_to_an_entry_is_named(taken: Taken, tamper: Callable[[Chain], None]) -> None:
    tamper(taken.chain)
    status, said = taken.checked()
    assert status == 1
    assert all(words in said[0] for words in TAMPERINGS[tamper])
    assert len(said) == (2 if tamper is swapped else 1)


def test_an_end_that_was_cut_off_is_named_by_the_letter_s_line_alone(taken: Taken) -> None:
    cut, last = taken.chain[:-2], len(taken.chain)
    assert taken.checked(cut).status == 0
    said = [f"entry {last - 1}: cut off, with all up to entry {last} at least"]
    assert taken.checked(cut, taken.head) == (1, said)


def test_a_chain_written_anew_is_named_by_the_letter_s_line_alone(taken: Taken) -> None:
    anew, hash = [], ""
    for entry in taken.chain:
        lied = entry | {"action": "person.left", "previous_hash": hash}
        hash = chain_hash(entry["number"], hash, digest(lied))
        anew.append(lied | {"hash": hash})
    assert taken.checked(anew).status == 0
    status, [said] = taken.checked(anew, taken.head)
    assert status == 1
    assert said.startswith(f"entry {len(anew)} (")
    assert said.endswith(f"written anew: its hash was {taken.chain[-1]['hash']}")


@pytest.mark.parametrize("broken", ["no-such.zip", "no.zip", "empty.zip", "other.zip"])
def test_what_is_no_archive_of_ours_does_not_hold(taken: Taken, broken: str) -> None:
    folder = taken.folder
    (folder / "no.zip").write_text("PK")
    with zipfile.ZipFile(folder / "empty.zip", "w"):
        pass
    with zipfile.ZipFile(folder / "other.zip", "w") as other:
        other.writestr(FILE, '[\n{"number": 1}\n]\n')
    status, [said] = run(taken.script, folder / broken)
    assert status == 1
    assert said.startswith(f"{FILE} cannot be read: ")


def test_a_deleted_account_leaves_no_name_and_the_chain_holds(tmp_path: Path) -> None:
    with as_(gail) as by:
        gail.user.delete_account(by=by)
    taken = Taken(built(ann, of_company=True), tmp_path)
    assert "Gail" not in (taken.folder / FILE).read_text()
    assert taken.checked().status == 0
