"""Teams of affiliates: what is asked and shown."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field

from shared.auth import Role
from shared.clock import now
from shared.http import Body, Id, View

from ..domain.account import AffiliateUser
from ..domain.invitation import Invitation, InvitationStatus
from .fields import Email, Secret

TeamRole = Literal["owner", "manager", "technician"]


class InvitationRequest(Body):
    """Owners invite anybody, managers technicians."""

    email: Email
    role: TeamRole


class InvitationView(View):
    """`expires_at` is a week after it was sent. Only the mail has what accepts it."""

    id: int
    affiliate_id: int
    email: str
    role: Role
    invited_by: int
    status: InvitationStatus
    expires_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        return cls.model_validate(invitation).model_copy(update={"status": invitation.status_at(now())})


class AcceptRequest(Body):
    """`token` is what the mail's link ends with."""

    token: Secret = Field(repr=False)


class MemberRoleRequest(Body):
    role: TeamRole


class HandoverRequest(Body):
    user_id: Id


class MemberView(View):
    """`version` is the one that If-Match takes."""

    user_id: int
    version: int
    full_name: str
    email: str
    role: Role
    joined_at: datetime

    @classmethod
    def of(cls, member: AffiliateUser) -> Self:
        place: dict[str, Any] = {name: getattr(member, name) for name in ("user_id", "version", "role", "joined_at")}
        return cls(full_name=member.user.full_name, email=member.user.email, **place)
