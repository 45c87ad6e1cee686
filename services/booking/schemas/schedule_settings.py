"""How an affiliate may be booked, beside when."""

from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from shared.http import Body, View

from ..domain.schedule_settings import INTERVAL_MINUTES


def _divides_the_day(minutes: int) -> int:
    if 1440 % minutes:
        raise ValueError("does not divide a day of 1440 minutes")
    return minutes


class ScheduleSettingsRequest(Body):
    """All of them, as they are to be. Lead time and horizon null: the platform's; a lead time may only be longer, a
    horizon only shorter. With `request_to_book` the affiliate confirms each booking itself."""

    slot_interval_minutes: Annotated[StrictInt, Field(ge=5, le=240), AfterValidator(_divides_the_day)] = (
        INTERVAL_MINUTES
    )
    lead_minutes: Annotated[StrictInt, Field(ge=0, le=525_600)] | None = None
    horizon_days: Annotated[StrictInt, Field(ge=1, le=730)] | None = None
    request_to_book: StrictBool = False
    arrival_window_minutes: Annotated[StrictInt, Field(ge=0, le=480)] = 0


class ScheduleSettingsView(View):
    """Version 0: nothing was ever set."""

    affiliate_id: int
    version: int
    slot_interval_minutes: int
    lead_minutes: int | None
    horizon_days: int | None
    request_to_book: bool
    arrival_window_minutes: int
