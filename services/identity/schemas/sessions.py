"""Sessions: what is asked and shown."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.http import Body, Line, View

from ..domain.session import RefreshToken
from .fields import Email, Password, Secret


class Carrier(StrEnum):
    """How a client keeps its tokens: an API client in its memory, a browser in cookies that no script can read."""

    BEARER = "bearer"
    COOKIE = "cookie"


class SignInRequest(Body):
    """With `session: cookie` the tokens are set as cookies, and the answer does not hold them."""

    session: Carrier = Carrier.BEARER


class LoginRequest(SignInRequest):
    """`device` is the name under which the session is listed; without it, the User-Agent."""

    email: Email
    password: Password = Field(repr=False)
    device: Line | None = None


class RefreshRequest(SignInRequest):
    """With `session: cookie` the refresh token may stay in its cookie. From there it never gets into an answer."""

    refresh_token: Secret | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _has_a_token(self) -> Self:
        if self.refresh_token is None and self.session is Carrier.BEARER:
            raise ValueError("needs a refresh_token, or the session cookie")
        return self


class TokensView(View):
    """An access token for the Authorization header, and what gets the next one; lifetimes in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    refresh_token: str
    refresh_expires_at: datetime


class CookiesView(View):
    """The tokens are in cookies; lifetimes in seconds, so that a page knows when to refresh."""

    session: Literal[Carrier.COOKIE] = Carrier.COOKIE
    expires_in: int
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
