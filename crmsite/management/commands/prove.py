"""Attack the system, clause by clause, and keep what came of it: what `make prove` runs.

The running system loses nothing by it: only what leaves nothing behind is tried on it. All else is
tried on a copy: a system of its own, started from the same code, and gone afterwards. One proof
compares the guards of the two databases, so that what holds in the copy holds in the running one.
"""

from __future__ import annotations

import json
import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils.translation import override

from accounts import guards
from accounts.proving import BROKEN, COPY, EITHER, RUNNING, Outcome, Proof, System, every_proof
from accounts.visitors import Visitor
from crmsite import embedded, sites
from crmsite.databases import OWNER
from policy import source, verdicts
from policy.clauses import CLAUSES
from policy.models import PolicyVersion
from policy.proofruns import ProofRun
from policy.verdicts import PROMISE_ONLY

PLACES: Final = {COPY: "on a copy", RUNNING: "on the running system"}


class Command(BaseCommand):
    help = "Attack the running system and a copy of it, and say of each clause whether it is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("only", nargs="*", help="clauses or proofs, e.g. T4; all if none")
        parser.add_argument("--url", default="", help="where the system is served")
        parser.add_argument("--into", type=Path, help="for its own use, on the copy")

    def handle(self, *, only: list[str], url: str, into: Path | None, **options: Any) -> None:
        wanted = [
            proof
            for proof in every_proof().values()
            if not only or {proof.name, *proof.clauses} & set(only)
        ]
        if into:
            prove_as_copy(wanted, url, into)
            return
        with override("en"):
            outcomes = {outcome.proof: outcome for outcome in self.prove(wanted, url)}
            named = {clause for proof in wanted if proof.name in only for clause in proof.clauses}
            for clause in CLAUSES:
                if not only or clause in named.union(only):
                    self.tell(clause, outcomes)
        if BROKEN in {outcome.outcome for outcome in outcomes.values()}:
            raise CommandError("A clause is broken.")

    def prove(self, wanted: list[Proof], url: str) -> list[Outcome]:
        """Attack a copy, and then the running system, if one is set up here; that keeps it all."""
        running = is_migrated()
        self.stdout.write("Starting a copy to attack …")
        outcomes, found = prove_on_copy(
            [p for p in wanted if p.where == COPY or (p.where == EITHER and not running)]
        )
        if not running:
            self.stdout.write("No system is set up here, so nothing is there to keep the results.")
            return outcomes
        with served(url) as address:
            self.stdout.write(f"Attacking the running system, {address or 'its database only'} …")
            system = System(url=address, guards=found)
            outcomes += [p.carry_out(system, RUNNING) for p in wanted if p.where != COPY]
        ProofRun.objects.keep(outcomes)
        return outcomes

    def tell(self, clause: str, outcomes: Mapping[str, Outcome]) -> None:
        """A line for each proof of the clause, and one for what of it is a promise only."""
        tried = [proof for proof in verdicts.proofs_of(clause) if proof.name in outcomes]
        for proof in tried:
            outcome = outcomes[proof.name]
            said, place = verdicts.sentence(proof, outcome), PLACES[outcome.where]
            self.say(clause, verdicts.result_of(outcome), f"{said} ({place})")
        if rest := CLAUSES[clause].rest:
            self.say(clause, PROMISE_ONLY, str(rest))
        elif not tried:
            self.say(clause, PROMISE_ONLY, "It has no proof.")

    def say(self, clause: str, result: str, sentence: str) -> None:
        self.stdout.write(f"{clause}  {result:12}  {sentence}")


def prove_on_copy(wanted: list[Proof]) -> tuple[list[Outcome], dict[str, str]]:
    """The outcomes, and the guards of the copy's database."""
    with sites.throwaway() as site:
        into = site.log.with_name("proven.json")
        names = [proof.name for proof in wanted] or ["none"]
        site.manage("prove", *names, "--url", site.address, "--into", str(into))
        told = json.loads(into.read_text())
    return [Outcome(**outcome) for outcome in told["outcomes"]], told["guards"]


def prove_as_copy(wanted: list[Proof], url: str, into: Path) -> None:
    """The part of it that runs in the copy's own environment."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SET lock_timeout = '20s'")  # an attack that waits for itself says so
    cluster = embedded.Cluster(settings.VAR)
    folders = tuple({settings.VAR, cluster.home})
    system = System(url, folders, cluster.addresses().superuser)
    outcomes = [asdict(proof.carry_out(system, COPY)) for proof in wanted]
    into.write_text(json.dumps({"outcomes": outcomes, "guards": guards.guards()}))


def is_migrated() -> bool:
    """Whether a system is set up where the settings point: there is something to attack."""
    if OWNER not in settings.DATABASES:
        raise CommandError("OWNER_DATABASE_URL is missing: the owner keeps the results.")
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT to_regclass('policy_proofrun') IS NOT NULL")
        return bool(cursor.fetchone()[0])


@contextmanager
def served(url: str) -> Iterator[str]:
    """Where the running system is served: at the address given, at PORT, or else by ourselves for
    as long as it takes. "" in production, where only its operator can know."""
    here = url or f"http://127.0.0.1:{settings.PORT}"
    if is_ours(here):
        yield here
    elif url:
        raise CommandError(f"{url} does not serve the system whose database this is.")
    elif settings.DEVELOPMENT:
        with tempfile.TemporaryDirectory() as folder:
            site = sites.Site(dict(os.environ), Path(folder) / "site.log")
            with site.serving():
                yield site.address
    else:
        yield ""


def is_ours(url: str) -> bool:
    """Whether the site there works on our database: its policies' versions have the same ids.
    Raises CommandError where it runs other code: proving this would say nothing of that."""
    try:
        told = json.loads(Visitor(url).get("/policy/proofs/", Accept="application/json").body)
        texts, code = {text["id"] for text in told["texts"]}, told["code"]["version"]
    except (OSError, ValueError, LookupError):
        return False
    ours = PolicyVersion.objects.using(OWNER).filter(company=None).in_force()
    if not texts or texts != {str(version.pk) for version in ours}:
        return False
    if code != source.fingerprint():
        raise CommandError(f"{url} runs another version of the code: start it anew first.")
    return True
