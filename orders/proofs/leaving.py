"""Leaving with everything and without a trace, having accepted nothing."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Final

from django.utils.translation import gettext_lazy as _
from psycopg import sql

from accounts import trial
from accounts.founding import OWNER
from accounts.models import User
from accounts.proving import Broken, Figures, System, proves
from accounts.records import Fate, every_record
from accounts.trial import Somebody
from accounts.visitors import Answer
from orders import closure, exports, tasks
from orders.models import Export
from orders.proofs.buyers import PLACES, Traces
from orders.trial import Canary, company_with_orders, done

LEAVING: Final = 20  # orders of a company that is deleted


@proves(
    "R1", "D2",
    tried=_(
        "As an owner who has accepted nothing, took all of %(orders)s orders along, buyers opened, "
        "with comments, refused lines and orders on their way, as JSON and as CSV; deleted the "
        "company and then the account: no page asked for an acceptance. No row and no key of the "
        "company were left, nor what named its owner."
    ),
)  # fmt: skip
def who_declines_takes_all_along_and_goes(system: System) -> Figures:
    canary = Canary()
    founder = company_with_orders(LEAVING, canary)
    assert founder.company
    traces = Traces(founder)
    leaver = trial.member(founder.company, "owner")
    visitor = leaver.visiting(system.url, accepting=False)
    if visitor.get("/orders/").path != "/accept/":
        raise Broken("an owner who has accepted nothing sees orders: this attack shows nothing")
    if without_accepting(visitor.fill("/account/data/", of="company")).count(canary.word):
        raise Broken("the page of an archive shows what is in it")
    archive = taken_along(leaver)
    for kind in ("json", "csv"):
        if archive.read(f"company/order.{kind}").decode().count(canary.word) < LEAVING:
            raise Broken(f"an owner who has accepted nothing does not get the orders as {kind}")
        if missed := set(PLACES) - {*traces.in_(all_of(archive, kind))}:
            raise Broken(f"what is taken along as {kind} lacks: {', '.join(sorted(missed))}")
    without_accepting(
        visitor.fill("/company/closure/", password=leaver.password, slug=founder.company.slug)
    )
    done(closure.TASK, tasks.work_through_closure)
    if left := left_of(founder.company.pk, system):
        raise Broken(f"of a company that was deleted there are rows in {', '.join(left)}")
    without_accepting(visitor.fill("/account/deletion/", password=leaver.password))
    if User.objects.using(OWNER).filter(email=leaver.email).exists():
        raise Broken("an account that was deleted still names its owner")
    return {"orders": LEAVING}


def without_accepting(answer: Answer) -> str:
    if answer.status != 200 or answer.path == "/accept/":
        raise Broken(f"{answer.path} asks for something before one may go")
    return answer.body


def taken_along(leaver: Somebody) -> zipfile.ZipFile:
    """The archive that was asked for just now."""
    done(exports.TASK, tasks.build_export)
    with leaver.working():
        run = Export.objects.latest("started_at")
        return zipfile.ZipFile(BytesIO(exports.read(run)))


def all_of(archive: zipfile.ZipFile, kind: str) -> str:
    """All files of the company's, of this kind."""
    names = [name for name in archive.namelist() if name.startswith("company/")]
    return "\n".join(archive.read(name).decode() for name in names if name.endswith(f".{kind}"))


def left_of(company_id: int, system: System) -> list[str]:
    """The tables that should be empty of this company, and are not."""
    erased = [r for r in every_record() if r.company is Fate.ERASED and r.table != "accounts_pass"]
    question = sql.SQL("SELECT FROM {} WHERE company_id = %s LIMIT 1")
    with system.superuser() as superuser:
        return [
            record.table
            for record in erased
            if superuser.execute(
                question.format(sql.Identifier(record.table)), [company_id]
            ).rowcount
        ]
