"""Impersonations: what is asked and shown."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from shared.http import Body, Id, Sentence, View


class ImpersonationRequest(Body):
    """`reason` is for the person: it is in the mail that tells them."""

    user_id: Id
    reason: Sentence
    minutes: Annotated[StrictInt, Field(ge=1, le=15)] = 15


class ImpersonationView(View):
    """`ended_at` if it was ended before `expires_at`."""

    id: int
    staff_id: int
    user_id: int
    reason: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class ImpersonatingView(ImpersonationView):
    """With the access token; there is no other, and nothing to renew it with. `expires_in` in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
