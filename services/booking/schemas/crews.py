"""Crews: what can be sent out."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StrictInt

from shared.http import Body, Line, View

from .words import KnownZip

Buffer = Annotated[StrictInt, Field(ge=0, le=1440, description="minutes")]


class CrewRequest(Body):
    """All that is said of a crew, as it is to be. Null: its day begins and ends at the affiliate's base; no limit."""

    name: Annotated[Line, Field(max_length=100)]
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 30
    start_zip: KnownZip | None = None
    end_zip: KnownZip | None = None
    max_jobs_per_day: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    max_minutes_per_day: Annotated[StrictInt, Field(ge=1, le=1440)] | None = None

    def terms(self) -> dict[str, Any]:
        terms = self.model_dump()
        return terms | {"buffer_minutes": terms.pop("buffer_after_minutes")}


class CrewView(View):
    id: int
    version: int
    affiliate_id: int
    name: str
    active: bool
    buffer_before_minutes: int
    buffer_after_minutes: int = Field(validation_alias="buffer_minutes")
    start_zip: str | None
    end_zip: str | None
    max_jobs_per_day: int | None
    max_minutes_per_day: int | None
    created_at: datetime
    updated_at: datetime
