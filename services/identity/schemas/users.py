"""Users as the platform's staff see them, and what staff ask to be done."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field

from shared.auth import Role
from shared.http import Body, Sentence, View

from ..domain.account import Account, User, UserRole, UserStatus
from .accounts import MembershipView
from .fields import masked

StaffRole = Literal["admin", "support"]


class SuspendRequest(Body):
    """`reason` is for the person: it is in the mail that tells them."""

    reason: Sentence


class StaffRoleRequest(Body):
    """`role` null takes the role of staff away."""

    role: StaffRole | None
    reason: Sentence


class ReasonRequest(Body):
    """`reason` is for the person: it is in the mail that tells them."""

    reason: Sentence


class FoundUserView(View):
    """Enough to know somebody by; who opens the whole of it is written down."""

    id: int
    email: str = Field(description="masked: m…@example.com")
    role: UserRole
    status: UserStatus
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        shown = {field: getattr(user, field) for field in ("id", "role", "status", "created_at")}
        return cls(email=masked(user.email), **shown)


class UserView(View):
    """`roles` are those of the platform, `affiliates` the teams that the user works in, `sessions` those open."""

    id: int
    version: int
    email: str
    full_name: str
    phone: str | None
    locale: str
    timezone: str
    role: UserRole
    status: UserStatus
    suspended_at: datetime | None
    suspension_reason: str | None
    second_factor_at: datetime | None = Field(description="since when a second factor is asked for; null if none is")
    roles: list[Role]
    customer_id: int | None
    affiliates: list[MembershipView]
    sessions: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, account: Account, sessions: int) -> Self:
        user: dict[str, Any] = {n: getattr(account.user, n) for n in cls.model_fields if hasattr(account.user, n)}
        more = {
            "phone": account.customer.phone if account.customer else None,
            "roles": sorted(account.actor.roles),
            "customer_id": account.customer_id,
            "affiliates": [
                MembershipView(affiliate_id=id, role=role) for id, role in sorted(account.team_roles.items())
            ],
        }
        return cls(**user | more, sessions=sessions)
