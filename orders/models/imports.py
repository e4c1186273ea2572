"""A file on its way to orders."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import CompanyOwned, User


class Import(CompanyOwned):
    """One uploaded file on its way to orders: counts here, its rows in chunks until they are.

    `touched_at` is when it was last started, worked on, let go on or ended by what is left being
    stored. An import that nobody has touched for long is ended by erasing what is left: `expired`
    orders of it (`orders.retention`)."""

    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=255)
    rows = models.PositiveIntegerField()
    drafts = models.PositiveIntegerField()  # orders that the file holds, the refused included
    created = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    prohibited = models.PositiveIntegerField(default=0)
    incomplete = models.PositiveIntegerField(default=0)  # of the created, without all their values
    expired = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    preview = models.UUIDField(null=True, editable=False)  # the page that it was started from

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "preview", name="orders_import_once"),
            models.CheckConstraint(
                condition=models.Q(expired=0) | models.Q(finished_at__isnull=False),
                name="orders_import_expired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} UTC"

    @property
    def waiting(self) -> int:
        """Its orders that are neither stored nor refused; none of fewer, as SQL could have it."""
        return max(self.drafts - self.created - self.refused, 0)


class ImportChunk(CompanyOwned):
    """A sealed run of drafts, not orders yet; deleted in the transaction that makes them."""

    import_id = models.UUIDField()
    position = models.PositiveIntegerField()
    drafts = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "company", "import_id", "position", name="orders_importchunk_once"
            ),
        ]


class ImportRefusal(CompanyOwned):
    """Rows of a file that did not become an order, and why; or, `values_only`, that did without the
    values which could not be read. `body` is what they said, sealed. Of a prohibited person not
    even the line is kept."""

    import_id = models.UUIDField()
    line = models.PositiveIntegerField()
    values_only = models.BooleanField(default=False)
    reasons = models.JSONField()
    body = models.BinaryField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "import_id", "line", name="orders_refusal_once"),
        ]
