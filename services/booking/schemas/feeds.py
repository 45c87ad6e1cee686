"""Calendars that others subscribe to."""

from datetime import datetime
from typing import Self

from pydantic import model_validator

from shared.http import Body, Id, View


class FeedRequest(Body):
    """Of an affiliate, of one of its crews, or, without any, of the customer who asks."""

    affiliate_id: Id | None = None
    crew_id: Id | None = None

    @model_validator(mode="after")
    def _crews_have_affiliates(self) -> Self:
        if self.crew_id is not None and self.affiliate_id is None:
            raise ValueError("a crew is named together with its affiliate")
        return self


class FeedView(View):
    """`updated_at` is when its address was changed last."""

    id: int
    version: int
    customer_id: int | None
    affiliate_id: int | None
    crew_id: int | None
    created_at: datetime
    updated_at: datetime


class NewFeedView(FeedView):
    """`url` is shown this once. Whoever has it reads the calendar, without signing in."""

    url: str
