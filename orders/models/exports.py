"""What people take along when they go, or before."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.identifiers import uuid7
from accounts.models import User


class ExportQuerySet(models.QuerySet["Export"]):
    def living(self) -> ExportQuerySet:
        return self.filter(expires_at__gt=Now())


class Export(models.Model):
    """An archive of all that is a person's and, with a company, of all that is the company's. It is
    sealed with a key of its own, and its maker alone reads it until it expires."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    company_id = models.BigIntegerField(null=True)
    key = models.BinaryField()  # wrapped by the operator's
    done = models.PositiveBigIntegerField(default=0)  # rows written, of `total`
    total = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    objects = ExportQuerySet.as_manager()


class ExportChunk(models.Model):
    """A run of the archive's bytes, sealed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    export = models.ForeignKey(  # the database deletes along (migration 0014)
        Export, on_delete=models.DO_NOTHING, related_name="chunks", db_constraint=False
    )
    position = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("export", "position", name="orders_exportchunk_once"),
        ]


class Closure(models.Model):
    """The end of a company: who ended it, and how far it is. Its numbers name nobody."""

    company_id = models.BigIntegerField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    orders = models.PositiveBigIntegerField()
    remaining = models.PositiveBigIntegerField()  # orders that are not deleted yet
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
