"""What became of each proof, and when: kept for good, written by the database's owner alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import ClassVar

from django.db import models, transaction
from django.db.models.functions import Now

from accounts.founding import OWNER
from accounts.identifiers import uuid7
from accounts.proving import Outcome
from policy import source


class ProofRunQuerySet(models.QuerySet["ProofRun"]):
    @transaction.atomic(using=OWNER)
    def keep(self, outcomes: Iterable[Outcome]) -> ProofRun:
        """Record how a run of `manage.py prove` ended, by the owner role."""
        run = self.using(OWNER).create(code=source.fingerprint(), commit=source.commit())
        ProofResult.objects.using(OWNER).bulk_create(
            ProofResult(run_id=run.pk, **asdict(outcome)) for outcome in outcomes
        )
        return run


class ProofRun(models.Model):
    """One run of the proofs, with the code (policy/source.py) that it was of."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(db_default=Now())
    code = models.CharField(max_length=64)
    commit = models.CharField(max_length=64, blank=True, default="")

    objects = ProofRunQuerySet.as_manager()


class ProofResultQuerySet(models.QuerySet["ProofResult"]):
    def last_of_each(self) -> dict[str, ProofResult]:
        """The last result of each proof, by the proof's name."""
        newest = self.order_by("proof", "-run__at").distinct("proof").select_related("run")
        return {result.proof: result for result in newest}


class ProofResult(models.Model):
    """How a proof ended in a run: the fields are those of accounts.proving.Outcome."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(ProofRun, on_delete=models.PROTECT, related_name="results")
    proof = models.CharField(max_length=120)
    outcome = models.CharField(max_length=8)
    where = models.CharField(max_length=8)
    figures = models.JSONField(default=dict)
    said = models.TextField(blank=True, default="")
    seconds = models.FloatField()

    objects = ProofResultQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("run", "proof", name="policy_proofresult_once"),
        ]
