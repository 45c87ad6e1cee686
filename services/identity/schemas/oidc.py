"""Signing in elsewhere: what is asked and shown."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

from shared.http import Body, Line, View

from .fields import ReturnPath, Secret

ProviderName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class AuthorizationRequest(Body):
    """`device` is the name under which the session is listed; without it, the User-Agent.

    With `return_to`, a path on our own origin, it ends with a redirect there: the tokens in cookies; or, with a second
    factor, the challenge behind `#second_factor=`; or the code of what went wrong behind `?error=`. Without, it ends
    with an answer that holds the tokens.
    """

    device: Line | None = None
    return_to: ReturnPath | None = None


class CallBackQuery(BaseModel):
    """What the provider sends back (RFC 6749, 4.1.2; RFC 9207). More than that may come, and is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: Secret
    code: Annotated[str | None, Query(min_length=1, max_length=2000)] = None
    error: Annotated[str | None, Query(max_length=200)] = None
    iss: Annotated[str | None, Query(max_length=255)] = None


class AuthorizationView(View):
    """Where to send the browser, which was given a cookie for the way back."""

    authorization_url: str
    expires_at: datetime


class ProviderView(View):
    name: str
    label: str


class ProvidersView(View):
    items: list[ProviderView]


class LinkView(View):
    """`email` is the address at the provider, as it was when the account was linked."""

    id: int
    provider: str
    email: str
    created_at: datetime
    last_used_at: datetime


class LinksView(View):
    items: list[LinkView]
