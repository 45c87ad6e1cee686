"""Teams of affiliates: what is asked and shown."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field

from shared.auth import Actor, Role
from shared.clock import now
from shared.http import Body, Id, View

from ..domain.account import AffiliateUser
from ..domain.invitation import Invitation, InvitationStatus
from .fields import Email, Secret, masked

TeamRole = Literal["owner", "manager", "technician"]


def address_for(actor: Actor, email: str) -> str:
    """Staff see whole addresses in `GET /users/{id}`, where a look is written down."""
    return masked(email) if actor.is_staff else email


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
    def of(cls, invitation: Invitation, to: Actor) -> Self:
        shown = {"email": address_for(to, invitation.email), "status": invitation.status_at(now())}
        return cls.model_validate(invitation).model_copy(update=shown)


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
    def of(cls, member: AffiliateUser, to: Actor) -> Self:
        place: dict[str, Any] = {name: getattr(member, name) for name in ("user_id", "version", "role", "joined_at")}
        return cls(full_name=member.user.full_name, email=address_for(to, member.user.email), **place)
