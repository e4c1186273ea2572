"""A new master key: whatever the former wrapped is wrapped under it, so that that can be destroyed.

Then a copy of the database from before opens nothing by itself: above all not the persons of a
company that was deleted meanwhile, whose key nobody has wrapped anew (clause D2).
"""

from __future__ import annotations

from django.db import connections, transaction
from django.db.models import Model, QuerySet

from accounts import factors
from accounts.founding import OWNER
from accounts.models import CompanyKey
from orders.models import Export
from orders.sealing import MasterKey
from policy.disclosures import Disclosure


@transaction.atomic(using=OWNER)
def rotate() -> int:
    """Wrap anew what another than the newest key has wrapped, second factors too; how many keys
    these were. As the owner, who reads them for this transaction alone. Raises SealBroken, or
    InvalidTag for a factor, and changes nothing, where one was wrapped with a key not at hand."""
    master = MasterKey.from_settings()
    with connections[OWNER].cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_companykey NO FORCE ROW LEVEL SECURITY")
        wrapped = (
            _wrap_anew(CompanyKey.objects.using(OWNER), "wrapped", "company_id", master)
            + _wrap_anew(Export.objects.using(OWNER), "key", "user_id", master)
            + _wrap_anew(Disclosure.objects.using(OWNER), "key", "company_id", master)
            + factors.seal_anew(OWNER)
        )
        cursor.execute("ALTER TABLE accounts_companykey FORCE ROW LEVEL SECURITY")
    return wrapped


def _wrap_anew(rows: QuerySet[Model], column: str, bound_to: str, master: MasterKey) -> int:
    wrapped = 0
    for pk, blob, number in rows.values_list("pk", column, bound_to):
        if not master.is_newest(bytes(blob)):
            fresh = master.wrap(master.unwrap(bytes(blob), number), number)
            wrapped += rows.filter(pk=pk).update(**{column: fresh})
    return wrapped
