"""Who signs in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import audit, gate
from accounts.models.companies import keeping_an_owner


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """As the owner role, which alone may set every field."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user

    def join(self, email: str, password: str, *, name: str, language: str) -> User:
        """Register somebody who was invited. Raises IntegrityError for an e-mail that is taken."""
        added = gate.add_person(
            email=email.strip().lower(),
            name=name,
            language=language,
            password=make_password(password),
        )
        return self.get(pk=added)

    def language_of(self, email: str) -> str:
        """The one to write to this address in: the person's own, or for strangers the writer's."""
        known = self.filter(email=email.lower()).values_list("language", flat=True)
        return known.first() or get_language() or settings.LANGUAGE_CODE

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who signs in. The three flags are the owner role's to set: see migration 0002."""

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_support = models.BooleanField(default=False)
    is_superuser = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    last_login = None  # who signs in when is told to the company worked in, and nobody else

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        """Django saves a new password, or an old one hashed anew, by itself: the web role may not
        write it, and goes through the gate (migration 0002)."""
        if options.get("update_fields") == ["password"] and not options.get("using"):
            is_another = getattr(self, "_password", None) is not None
            gate.set_password(self.pk, self.password, is_another=is_another)
        else:
            super().save(*args, **options)

    def delete_account(self, *, by: gate.Entry) -> None:
        """Go for good: what names the person is gone, and evidence refers to "Person N". Nothing
        need be accepted for that. Raises LastOwner where a company would be left without one."""
        with keeping_an_owner():
            if by.company_id:
                audit.record(by=by, action="person.left")
            gate.delete_account()

    @property
    def is_staff(self) -> bool:
        return self.is_support or self.is_superuser

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Never: rights come from a membership's role, and no flag opens anything."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False
