"""Companies, and what is a company's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, gate
from accounts.identifiers import uuid7


class LastOwner(Exception):
    """A company keeps an owner: the trigger of migration 0003 refused."""


@contextmanager
def keeping_an_owner() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "accounts_membership_keeps_an_owner" in str(error):
            raise LastOwner from error
        raise


class Company(models.Model):
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    created_at = models.DateTimeField(auto_now_add=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    strict = models.BooleanField(db_default=False)  # refuses countries that its policy leaves out
    closed_at = models.DateTimeField(null=True, editable=False, blank=True)  # for good

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def country_of(cls, company_id: int) -> str:
        """Its country (alpha-2), where it is at home; "" where it has not said."""
        return cls.objects.values_list("country", flat=True).get(pk=company_id)

    @classmethod
    def be_strict(cls, strict: bool, *, by: gate.Entry) -> None:
        """Refuse from now on, or only show, what the policy of the company of `by` does not cover
        (clause P1). Raises PermissionDenied."""
        with transaction.atomic():
            if not cls.objects.filter(pk=by.company_id).update(strict=strict):
                raise PermissionDenied
            audit.record(by=by, action="company.strictness", strict=strict)


class CompanyOwned(models.Model):
    """A row of one company: its key leads with the company, and so does whatever refers to it."""

    pk = models.CompositePrimaryKey("company_id", "id")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    id = models.UUIDField(default=uuid7, editable=False)

    class Meta:
        abstract = True


Owned = TypeVar("Owned", bound=models.Model)


def neighbour(
    model: type[Owned], column: str, key: str = "id"
) -> models.ForeignObject[Owned | None, Owned | None]:
    """A row of the same company, or none; `column` holds its `key`. Joined by the company, too, so
    that no id leads to another's."""
    return models.ForeignObject(
        model,
        models.DO_NOTHING,
        from_fields=["company", column],
        to_fields=["company", key],
        related_name="+",
        null=True,
    )


class Team(CompanyOwned):
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "name", name="accounts_team_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Partner(CompanyOwned):
    """Who sends leads to a company: a webmaster or a network, with or without a sign-in."""

    name = models.CharField(_("name"), max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "name", name="accounts_partner_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class CompanyKey(models.Model):
    """A company's key for its sealed persons, itself wrapped by the operator's master key."""

    pk = models.CompositePrimaryKey("company_id", "version")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.PositiveSmallIntegerField()
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
