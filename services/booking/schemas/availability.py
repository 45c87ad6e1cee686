"""When an affiliate works."""

from typing import Annotated, Self

from pydantic import Field, StrictInt, model_validator

from shared.http import Body, Id, View

from .words import Clock, KnownZip

Radius = Annotated[StrictInt, Field(ge=1, le=1_000_000, description="metres")]


class WindowRequest(Body):
    """A weekly window; weekday 0 is Monday, times are local. Of one crew, or of all; for jobs anywhere in the service
    area, or only at these zip codes and within `near_radius_m` of `near_zip`."""

    weekday: StrictInt = Field(ge=0, le=6)
    opens: Clock
    closes: Clock
    crew_id: Id | None = None
    zips: list[KnownZip] = Field(default=[], max_length=200)
    near_zip: KnownZip | None = None
    near_radius_m: Radius | None = None

    @model_validator(mode="after")
    def _near_something(self) -> Self:
        if (self.near_zip is None) != (self.near_radius_m is None):
            raise ValueError("near_zip and near_radius_m go together")
        return self


class AvailabilityRequest(Body):
    windows: list[WindowRequest] = Field(max_length=200)


class WindowView(View):
    weekday: int
    opens: Clock = Field(validation_alias="opens_minute")
    closes: Clock = Field(validation_alias="closes_minute")
    crew_id: int | None
    zips: list[str]
    near_zip: str | None
    near_radius_m: int | None


class AvailabilityView(View):
    affiliate_id: int
    timezone: str
    windows: list[WindowView]
