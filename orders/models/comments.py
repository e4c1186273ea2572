from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import CompanyOwned, User


class Comment(CompanyOwned):
    order_id = models.UUIDField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index("company", "order_id", "id", name="orders_comment_of_order"),
        ]
