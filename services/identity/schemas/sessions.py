"""Sessions: what is asked and shown."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.http import Body, Line, View

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
