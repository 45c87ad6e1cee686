"""Sessions: what is asked and shown."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from shared.http import Body, Line, View

from ..domain.session import RefreshToken
from .fields import Email, Password, RefreshSecret


class LoginRequest(Body):
    """`device` is the name under which the session is listed; without it, the User-Agent."""

    email: Email
    password: Password = Field(repr=False)
    device: Line | None = None


class RefreshRequest(Body):
    refresh_token: RefreshSecret = Field(repr=False)


class TokensView(View):
    """An access token for the Authorization header, and what gets the next one; lifetimes in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    refresh_token: str
    refresh_expires_at: datetime


class SessionView(View):
    """`current` is the one whose access token asks; `address` is where it was used last."""

    id: UUID
    device: str | None
    address: str | None
    began_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool

    @classmethod
    def of(cls, token: RefreshToken, current: str | None) -> Self:
        return cls(
            id=token.family,
            device=token.device,
            address=token.address,
            began_at=token.family_began_at,
            last_used_at=token.created_at,
            expires_at=token.expires_at,
            current=str(token.family) == current,
        )
