"""API keys: what is asked and shown."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt

from shared.http import Body, Id, Line, View

from ..domain.api_key import Scope


def _different(scopes: list[Scope]) -> list[Scope]:
    if len(set(scopes)) < len(scopes):
        raise ValueError("names a scope twice")
    return scopes


class ApiKeyRequest(Body):
    """`affiliate_id`: whose key it is; without one, an administrator's, to read the platform."""

    name: Line
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope)), AfterValidator(_different)]
    affiliate_id: Id | None = None
    expires_in_days: Annotated[StrictInt, Field(ge=1, le=365)] = 90


class ApiKeyView(View):
    """`prefix` is how the key begins after `mdh_live_`; `last_used_at` is right to the minute."""

    id: int
    user_id: int
    affiliate_id: int | None
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewApiKeyView(ApiKeyView):
    """With the key itself: shown this once."""

    api_key: str


class TokenRequest(Body):
    api_key: Annotated[str, Field(max_length=200, repr=False)]


class TokenView(View):
    """An access token as RFC 6749, 5.1 answers one; when it has expired, the key is exchanged again."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    scope: str
