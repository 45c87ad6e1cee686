"""Calendars of others that keep crews busy."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.clock import now
from shared.http import Body, Id, Line, View

from ..domain.calendars import CalendarStatus, ExternalCalendar, Trouble


def _as_https(url: str) -> str:
    """What calendar programs call webcal is https."""
    scheme, _, rest = url.partition("://")
    url = f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else url
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError("is not an address as browsers write it")
    return url


Url = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_as_https)]


class CalendarRequest(Body):
    """`url` is where the calendar is published in iCalendar format, as https or webcal; whoever knows it can read it,
    so it is never shown again."""

    crew_id: Id
    name: Annotated[Line, Field(max_length=100)]
    url: Url


class CalendarView(View):
    """`fetched_at` is when it was read last; `stale`: not within the last hour. `error` is why it could not be read the
    last time it was tried: what it said before stays until it says something else."""

    id: int
    version: int
    affiliate_id: int
    crew_id: int
    name: str
    host: str
    status: CalendarStatus
    error: Trouble | None
    fetched_at: datetime | None
    stale: bool
    next_fetch_at: datetime
    created_at: datetime
    updated_at: datetime


class CalendarsView(View):
    items: list[CalendarView]


def view_of(calendar: ExternalCalendar) -> CalendarView:
    shown = {name: getattr(calendar, name) for name in CalendarView.model_fields if name != "stale"}
    return CalendarView(**shown, stale=calendar.is_stale(now()))
