"""Receipts and bundles: who may have which, and that the verifier names whatever was changed."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from policy import evidence
from policy.verify_evidence import main, problems, record_hash
from tests.people import Someone, ann, as_, bea, gail, mia, newt, pat, sign_in
from tests.policy.publications import accept_all, publish_company, publish_crm

pytestmark = pytest.mark.django_db

Leaf = tuple[str | int, ...]


def receipt_of(someone: Someone) -> dict[str, Any]:
    with as_(someone) as entry:
        made = evidence.receipt(entry.user_id, platform="crm.example")
    return json.loads(evidence.written(made))


def bundle_of(someone: Someone) -> bytes:
    with as_(someone) as entry:
        return evidence.bundle(entry.company_id, platform="crm.example")


def written(folder: Path, name: str, body: bytes | dict[str, Any]) -> str:
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else evidence.written(body))
    return str(path)


def leaves(value: Any, path: Leaf = ()) -> Iterator[Leaf]:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))
    else:
        yield path


def changed(whole: dict[str, Any], leaf: Leaf) -> dict[str, Any]:
    """A copy in which this one value is another of its kind."""
    tampered = copy.deepcopy(whole)
    holder = tampered
    for key in leaf[:-1]:
        holder = holder[key]
    value = holder[leaf[-1]]
    if str(leaf[-1]) in ("made_at", "shown_at", "accepted_at", "in_force_from"):
        year = "1999" if leaf[-1] in ("made_at", "accepted_at") else "2999"
        holder[leaf[-1]] = year + value[4:]
    elif isinstance(value, str):
        holder[leaf[-1]] = f"{value[:-1]}{'0' if value[-1:] != '0' else '1'}"
    else:
        holder[leaf[-1]] = (value or 0) + 1
    return tampered


def test_a_receipt_of_several_versions_holds() -> None:
    publish_crm("# Читайте: “anew” 🖋")
    accept_all(ann)
    publish_company(ann, "aurora", "# Ours, again", countries=["KZ", "RO"])
    accept_all(ann)
    receipt = receipt_of(ann)
    assert list(problems(receipt)) == []
    assert [record["number"] for record in receipt["records"]] == [1, 2, 3, 4]


def test_every_single_value_that_is_changed_is_named() -> None:
    accept_all(gail)
    receipt = receipt_of(gail)
    every = list(leaves(receipt))
    assert len(every) > 40
    unseen = [leaf for leaf in every if not list(problems(changed(receipt, leaf)))]
    assert unseen == []


def test_each_way_to_tamper_is_named_for_what_it_is() -> None:
    receipt = receipt_of(gail)
    for leaf, name in (
        (("privacy_notices", 0, "text"), "privacy notice 1, text hash"),
        (("records", 0, "event", "capacity"), "record 1, hash"),
        (("records", 0, "hash"), "record 2, chain"),
        (("records", 1, "previous_hash"), "record 2, chain"),
        (("records", 0, "event", "shown_at"), "record 1, times"),
        (("records", 0, "pii_principal_id"), "pii_principal_id"),
    ):
        assert any(problem.startswith(name) for problem in problems(changed(receipt, leaf)))


def test_a_record_taken_out_of_the_middle_is_missed() -> None:
    publish_crm()
    accept_all(gail)
    receipt = receipt_of(gail)
    del receipt["records"][1]
    assert list(problems(receipt)) == ["record 2, chain: the record before it is missing"]


def test_a_receipt_is_ones_own_and_needs_no_acceptance() -> None:
    client = sign_in(Client(), newt)
    assert client.get("/acceptances/").status_code == 200
    made = json.loads(client.get("/acceptances/receipt/").content)
    assert made["records"] == []
    assert {each["pii_principal_id"] for each in receipt_of(pat)["records"]} == {pat.user.pk}


def test_a_bundle_holds_the_companys_acceptances_and_nobody_elses() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle_of(ann))) as archive:
        made = json.loads(archive.read("evidence.json"))
        people = archive.read("people.csv").decode()
    assert {each["privacy_notice"]["kind"] for each in made["records"]} == {"company"}
    people_of = {each["pii_principal_id"] for each in made["records"]}
    assert {ann.user.pk, pat.user.pk, mia.user.pk} < people_of
    assert bea.user.pk not in people_of
    assert gail.email in people and bea.email not in people


def test_the_page_offers_the_bundle_to_whom_it_is_given() -> None:
    assert "/company/policy/evidence/" in sign_in(Client(), ann).get("/acceptances/").text
    assert "/company/policy/evidence/" not in sign_in(Client(), gail).get("/acceptances/").text
    assert sign_in(Client(), gail).get("/company/policy/evidence/").status_code == 403


def test_the_verifier_runs_by_itself_on_what_is_downloaded(tmp_path: Path) -> None:
    client = sign_in(Client(), ann)
    names = [
        written(tmp_path, "receipt.json", client.get("/acceptances/receipt/").content),
        written(tmp_path, "bundle.zip", client.get("/company/policy/evidence/").content),
    ]
    verifier = written(tmp_path, "verify.py", client.get("/acceptances/verifier/").content)
    said = subprocess.run(
        [sys.executable, "-I", verifier, *names], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert "records hold" in said.stdout


def test_a_bundle_with_another_text_is_named(tmp_path: Path, capsys: Any) -> None:
    tampered = io.BytesIO()
    original = zipfile.ZipFile(io.BytesIO(bundle_of(ann)))
    with original as archive, zipfile.ZipFile(tampered, "w") as other:
        for name in archive.namelist():
            body = archive.read(name)
            other.writestr(name, body + b"!" if name.startswith("texts/") else body)
    assert main([written(tmp_path, "bundle.zip", tampered.getvalue())]) == 1
    assert "text hash" in capsys.readouterr().out


def test_a_file_forged_with_all_its_hashes_is_found_by_another_copy(
    tmp_path: Path, capsys: Any
) -> None:
    receipt = receipt_of(ann)
    true = written(tmp_path, "true.json", receipt)
    last = receipt["records"][-1]
    last["event"]["capacity"] = "partner"
    last["hash"] = record_hash(last)
    forged = written(tmp_path, "forged.json", receipt)
    assert main([forged]) == 0
    assert main([true, forged]) == 1
    assert "holds another of the same id" in capsys.readouterr().out


def test_a_record_put_in_under_a_new_id_is_found_by_the_persons_receipt(
    tmp_path: Path, capsys: Any
) -> None:
    accept_all(gail)
    true, forged = receipt_of(gail), receipt_of(gail)
    true_name = written(tmp_path, "true.json", true)
    last, unlike = forged["records"][-1], "00000000-0000-7000-8000-000000000000"
    for more, said in ((0, "another of the same number"), (1, "should hold it, and does not")):
        invented = copy.deepcopy(last) | {"record_id": unlike, "number": last["number"] + more}
        if more:
            invented["previous_hash"] = last["hash"]
        invented["hash"] = record_hash(invented)
        records = [*true["records"], invented] if more else [*true["records"][:-1], invented]
        name = written(tmp_path, "forged.json", forged | {"records": records})
        assert main([name]) == 0
        capsys.readouterr()
        assert main([true_name, name]) == 1
        assert said in capsys.readouterr().out


def test_a_second_text_of_the_same_version_is_named() -> None:
    receipt = receipt_of(gail)
    other = dict(receipt["privacy_notices"][0], text="# You owe us")
    other["hash"] = hashlib.sha256(other["text"].encode()).hexdigest()
    receipt["privacy_notices"].insert(0, other)
    assert any("another text of this version" in problem for problem in problems(receipt))


def test_what_two_readers_would_read_differently_is_not_read(tmp_path: Path, capsys: Any) -> None:
    body = evidence.written(receipt_of(gail))
    twice = body.replace(b'"text":', b'"text": "You owe us", "text":', 1)
    assert main([written(tmp_path, "twice.json", twice)]) == 1
    assert "a name is said twice" in capsys.readouterr().out
    packed = io.BytesIO(bundle_of(ann))
    with zipfile.ZipFile(packed, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("evidence.json", archive.read("evidence.json"))
    assert main([written(tmp_path, "twice.zip", packed.getvalue())]) == 1
    assert "a file is in it twice" in capsys.readouterr().out


def test_a_name_is_no_formula_in_the_table_of_people() -> None:
    with as_(gail):
        User.objects.filter(pk=gail.user.pk).update(name="=HYPERLINK(A1)")
    with zipfile.ZipFile(io.BytesIO(bundle_of(ann))) as archive:
        rows = list(csv.reader(io.StringIO(archive.read("people.csv").decode("utf-8-sig"))))
    assert [row for row in rows if row[2] == gail.email] == [
        [str(gail.user.pk), "'=HYPERLINK(A1)", gail.email]
    ]


def test_a_file_that_is_no_evidence_is_said_so(tmp_path: Path, capsys: Any) -> None:
    assert main([written(tmp_path, "a.json", b"[]"), written(tmp_path, "b.json", b"{")]) == 1
    said = capsys.readouterr().out
    assert "not as evidence is written" in said and "cannot be read" in said
