"""What identity's API takes and gives."""

import zoneinfo
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from shared.auth import Role
from shared.http import Body, Line, Text, View

from .domain.account import Account, UserStatus
from .domain.password import LONGEST, SHORTEST


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, allow_smtputf8=False).ascii_email or text
    except EmailNotValidError:
        raise ValueError("is not an e-mail address") from None  # its own message would repeat what was sent


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory", "posixrules"}


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError("is not a time zone of the IANA database")
    return text


Email = Annotated[str, Field(max_length=254, examples=["ada@example.com"]), AfterValidator(_address)]
Timezone = Annotated[str, Field(max_length=64, examples=["America/Chicago"]), AfterValidator(_zone)]
Locale = Annotated[
    str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$", max_length=35, examples=["en-US"])
]
Phone = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164", examples=["+15125550100"])]
NewPassword = Annotated[Text, Field(min_length=SHORTEST, max_length=LONGEST)]
Password = Annotated[Text, Field(max_length=LONGEST)]
RefreshSecret = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


class RegisterRequest(Body):
    """A new account: a customer's, or that of somebody who will apply as an affiliate."""

    account: Literal["customer", "affiliate"]
    email: Email
    password: NewPassword = Field(repr=False)
    full_name: Line
    locale: Locale = "en-US"
    timezone: Timezone = "UTC"
    phone: Phone | None = None


class LoginRequest(Body):
    """`device` is the name under which the session is listed; without it, the User-Agent."""

    email: Email
    password: Password = Field(repr=False)
    device: Line | None = None


class RefreshRequest(Body):
    refresh_token: RefreshSecret = Field(repr=False)


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


class TokensView(View):
    """An access token for the Authorization header, and what gets the next one; lifetimes in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    refresh_token: str
    refresh_expires_at: datetime


class KeyView(View):
    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeySetView(View):
    keys: list[KeyView]
