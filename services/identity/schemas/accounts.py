"""Accounts: what is asked and shown."""

from datetime import datetime
from typing import Any, Self

from shared.auth import Role
from shared.http import Body, Line, View

from ..domain.account import Account, UserStatus
from .fields import Locale, Phone, Timezone


class MeRequest(Body):
    """Fields that are left out stay as they are. Only a phone can be taken away (null)."""

    full_name: Line = ""
    locale: Locale = ""
    timezone: Timezone = ""
    phone: Phone | None = None


class CustomerView(View):
    id: int
    phone: str | None


class MembershipView(View):
    affiliate_id: int
    role: Role


class MeView(View):
    """`roles` are those of the platform; `affiliates` the teams that one works in."""

    id: int
    version: int
    email: str
    full_name: str
    locale: str
    timezone: str
    status: UserStatus
    roles: list[Role]
    customer: CustomerView | None
    affiliates: list[MembershipView]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        teams = [MembershipView(affiliate_id=id, role=role) for id, role in sorted(account.team_roles.items())]
        user: dict[str, Any] = {
            name: value for name in cls.model_fields if (value := getattr(account.user, name, None)) is not None
        }
        return cls(**user, roles=sorted(account.actor.roles), customer=account.customer, affiliates=teams)
