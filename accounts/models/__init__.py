"""People and the companies they work for.

Writes are verbs with a keyword-only ``by=``. Which rows a request may touch is decided by the row
rules in the migrations; what stands here would only be a wish without them.
"""

from accounts.models.companies import (
    Company,
    CompanyKey,
    CompanyOwned,
    LastOwner,
    Partner,
    Team,
    keeping_an_owner,
    neighbour,
)
from accounts.models.entries import AuditChain, AuditEntries, AuditEntry, AuditHead, AuditName
from accounts.models.memberships import (
    Invitation,
    InvitationQuerySet,
    Membership,
    MembershipQuerySet,
    Role,
)
from accounts.models.passes import ApiKey, ApiKeyQuerySet, Attempt, Grant, GrantQuerySet, Pass
from accounts.models.users import User, UserManager

__all__ = [
    "ApiKey",
    "ApiKeyQuerySet",
    "Attempt",
    "AuditChain",
    "AuditEntries",
    "AuditEntry",
    "AuditHead",
    "AuditName",
    "Company",
    "CompanyKey",
    "CompanyOwned",
    "Grant",
    "GrantQuerySet",
    "Invitation",
    "InvitationQuerySet",
    "LastOwner",
    "Membership",
    "MembershipQuerySet",
    "Partner",
    "Pass",
    "Role",
    "Team",
    "User",
    "UserManager",
    "keeping_an_owner",
    "neighbour",
]
