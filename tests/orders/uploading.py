"""How tests put files through an import, and what they then ask about it."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import jobpasses
from orders import imports, tasks
from orders.mapping import guess
from orders.models import Import, ImportChunk, ImportRefusal, Order
from orders.screening import Reading, screened
from orders.spreadsheets import read
from tests.jobs import job_called
from tests.people import adam, as_

EXPORTS = Path(__file__).with_name("exports")
SHOP = (EXPORTS / "shop.csv").read_bytes()
ZAKAZY = (EXPORTS / "zakazy-cp1251.csv").read_bytes()
READING = Reading(ZoneInfo("Europe/Bucharest"), "EUR", {"RU"})
STATUSES = {"paid": "paid", "no answer": "no_answer", "refused": "cancelled"}
HEAD = "Order number,Created at,Name,Phone,Country,Item,Quantity,Price,Partner,Offer"


def table(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *rows, ""]).encode()


def many(count: int, *, first: int = 1, statuses: Sequence[str] = ("",)) -> bytes:
    """So many orders, each with the next of the statuses."""
    return table(
        *(f"R{n},2026-05-10 10:00,Ana Pop,+40 721 234 643,RO,Belt,1,9.90,,,{status}"
          for n, status in zip(range(first, first + count), cycle(statuses))),
        head=f"{HEAD},Status",
    )  # fmt: skip


def begun(data: bytes, someone=adam, name="orders.csv") -> Import:
    with as_(someone) as by:
        sheet = read(data)
        outcomes = screened(sheet, guess(sheet), replace(READING, statuses=STATUSES))
        return imports.begin(by=by, file_name=name, outcomes=outcomes)


def worked(run: Import, someone=adam) -> Import:
    """The import, after a worker has run its job; there is none for a file of refusals."""
    if not run.finished_at:
        tasks.work_through_import(**args_of(run))
    return as_it_stands(run, someone)


def job_of(run: Import) -> ProcrastinateJob | None:
    return job_called(imports.job_name(run.id))


def args_of(run: Import) -> dict[str, str]:
    job = job_of(run)
    assert job
    return job.args


def secret_of(run: Import) -> str:
    return jobpasses.unseal(args_of(run)["sealed_pass"], job=imports.job_name(run.id))


def imported(data: bytes, someone=adam, name="orders.csv") -> Import:
    return worked(begun(data, someone, name), someone)


def as_it_stands(run: Import, someone=adam) -> Import:
    with as_(someone):
        return Import.objects.get(id=run.id)


def orders_of(numbers_from: str = "", someone=adam) -> list[str]:
    """External numbers of the orders that came by imports."""
    with as_(someone):
        found = Order.objects.filter(source="import", external_id__startswith=numbers_from)
        return sorted(found.values_list("external_id", flat=True))


def refused_lines(run: Import, someone=adam) -> dict[int, list[str]]:
    """Line -> the codes of its reasons."""
    with as_(someone):
        found = ImportRefusal.objects.filter(import_id=run.id)
        return {r.line: [reason[1] for reason in r.reasons] for r in found}


def chunks_left(run: Import, someone=adam) -> int:
    with as_(someone):
        return ImportChunk.objects.filter(import_id=run.id).count()


# Through the pages


def upload(client, data: bytes, name: str = "orders.csv", **posted):
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("orders:import"), {"file": file, **posted})


def filled(answer) -> dict[str, str]:
    """What the browser would post from the preview."""
    mapping = answer.context["mapping"]
    chosen = mapping["columns"] + mapping["others"] + mapping["statuses"]
    fields = [each["field"] for each in chosen] + list(mapping["options"])
    posted = {field.html_name: field.value() or "" for field in fields}
    return posted | {"token": mapping["token"], "preview": str(mapping["preview_id"])}


def start(client, data: bytes, name: str = "orders.csv", **changed):
    posted = filled(upload(client, data, name, step="preview")) | changed
    return upload(client, data, name, **posted, step="start")


def id_of(answer) -> uuid.UUID:
    return uuid.UUID(answer.url.rstrip("/").rpartition("/")[2])


def refused_file(client, run_id) -> list[list[str]]:
    answer = client.get(reverse("orders:import_refusals", args=[run_id]))
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
