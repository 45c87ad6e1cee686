"""When an affiliate works otherwise than in other weeks."""

from datetime import date, datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from shared.http import Body, Day, Id, Line, View

from ..domain.exceptions import MOST_DAYS, ExceptionKind
from .words import Clock


class ExceptionRequest(Body):
    """On each of these local days, both included: closed or extra hours from time to time, or on vacation, which takes
    whole days. Of one crew, or of all."""

    kind: ExceptionKind
    crew_id: Id | None = None
    first_day: Day
    last_day: Day
    from_time: Clock = 0
    to_time: Clock = 1440
    note: Line | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not timedelta(0) <= self.last_day - self.first_day < timedelta(days=MOST_DAYS):
            raise ValueError(f"last_day must not lie before first_day, and {MOST_DAYS} days are the most")
        if self.from_time >= self.to_time:
            raise ValueError("from_time must lie before to_time")
        if self.kind is ExceptionKind.VACATION and self.to_time - self.from_time < 1440:
            raise ValueError("a vacation takes whole days")
        return self


class ExceptionView(View):
    id: int
    affiliate_id: int
    crew_id: int | None
    kind: ExceptionKind
    first_day: date
    last_day: date
    from_time: Clock = Field(validation_alias="from_minute")
    to_time: Clock = Field(validation_alias="to_minute")
    note: str
    created_at: datetime
