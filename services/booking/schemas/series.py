"""Standing orders, and their visits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from shared.auth import Actor
from shared.http import Body, Cents, Day, Line, Moment, PageView, Text, View
from shared.pricing import Wanted
from shared.vehicles import Condition, SizeClass
from shared.wanted import JobRequest

from ..domain.booking import Booking
from ..domain.life import Status
from ..domain.rhythm import Rhythm
from ..domain.series import PaidVisits, PausedBy, Series, SeriesStatus
from ..domain.visits import SeriesVisit, VisitOutcome
from .words import Clock

PLANNED = 6
MOST_VISITS = 200
LONGEST = timedelta(days=5 * 366)


def _is_a_time(minute: int) -> int:
    if minute >= 1440:
        raise ValueError("is the end of a day, not a time on it")
    return minute


class SeriesRequest(JobRequest):
    """Every so many weeks, on the weekday of `first_date`, at `time` by the clocks of the affiliate; until `last_date`
    or for so many `visits` (those that are missed or left out count), whichever is sooner, or on and on. `price_cents`,
    if given, is what the customer saw for a visit. Each visit is one more use of the `promotion_code`."""

    first_date: Day
    time: Annotated[Clock, AfterValidator(_is_a_time)]
    every_weeks: StrictInt = Field(ge=1, le=12)
    last_date: Day | None = None
    visits: Annotated[StrictInt, Field(ge=1, le=MOST_VISITS)] | None = None
    address: Line
    price_cents: Cents | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.last_date is not None and not timedelta() <= self.last_date - self.first_date <= LONGEST:
            raise ValueError("last_date lies before first_date, or more than five years after it")
        return self

    @property
    def rhythm(self) -> Rhythm:
        endless = Rhythm(self.first_date, self.every_weeks, self.time)
        last = [endless.until(self.visits)] if self.visits is not None else []
        last += [self.last_date] if self.last_date is not None else []
        return replace(endless, last_on=min(last, default=None))

    @property
    def told(self) -> dict[str, Any]:
        """What is to be done where, in the words of a series."""
        first = self.model_dump(include={"address", "zip", "size_class", "condition", "add_on_ids"})
        return first | {"vehicles": [one.wanted for one in self.vehicles], "vehicle": self.described}


class SeriesChangeRequest(SeriesRequest):
    """All of it, as it is to be from `first_date` on. Of visits of later days, the unpaid are let go; those that are
    paid stay, or are cancelled as any booking is."""

    paid_visits: PaidVisits = PaidVisits.KEEP


class SeriesEndRequest(Body):
    """From when on there are no visits: from today if nothing is said. `paid_visits` as in a change."""

    from_date: Day | None = None
    paid_visits: PaidVisits = PaidVisits.KEEP
    reason: Text = ""


class VisitRequest(Body):
    """`price_cents`, if given, is the total that the customer saw for this time."""

    starts_at: Moment
    price_cents: Cents | None = None


class SeriesView(View):
    """`next_date` is the next visit that is still to be booked, and is booked by itself. `paused_by`: its customer,
    several visits that nobody paid, or the affiliate, with which it goes on by itself. `address` is null for the
    affiliate's team: the bookings tell it. `size_class`, `condition` and `add_on_ids` are those of the first of
    `vehicles`; `vehicle` says in the customer's words what they are, one a line. `followed_by_id` is the series that a
    change made of it."""

    id: int
    version: int
    status: SeriesStatus
    customer_id: int
    affiliate_id: int
    service_id: int
    tier_id: int
    service_name: str
    tier_name: str
    every_weeks: int
    first_date: date = Field(validation_alias="first_on")
    last_date: date | None = Field(validation_alias="last_on")
    next_date: date | None = Field(validation_alias="next_on")
    time: Clock = Field(validation_alias="minute")
    timezone: str
    address: str | None
    zip: str
    size_class: SizeClass
    condition: Condition
    add_on_ids: list[int]
    vehicles: list[Wanted] = Field(validation_alias="wanted")
    vehicle: str
    promotion_id: int | None
    price_cents: int
    currency: str
    paused_by: PausedBy | None
    ended_by: Literal["customer", "affiliate", "platform"] | None
    end_reason: str | None
    followed_by_id: int | None
    created_at: datetime
    updated_at: datetime


class VisitView(View):
    """A day of a series that was seen to. `starts_at` is when its booking is; `booking_status` says whether it is paid.
    Missed, `reason` says why, and `other_times` what was free then."""

    on_date: date
    version: int
    status: VisitOutcome
    starts_at: datetime | None
    booking_id: int | None
    booking_status: Status | None
    price_cents: int | None
    reason: str | None
    other_times: list[datetime]


class PlannedView(View):
    """A day that is still to be seen to; `starts_at` is null where the clocks skip the time."""

    on_date: date
    starts_at: datetime | None


class VisitsView(PageView[VisitView]):
    """`planned` are the next days, those not left out."""

    planned: list[PlannedView]


def series_view(series: Series, actor: Actor) -> SeriesView:
    """Where somebody lives is told to those who come there."""
    view = SeriesView.model_validate(series)
    knows = actor.is_staff or actor.customer_id == series.customer_id
    return view if knows else view.model_copy(update={"address": None})


def visit_view(visit: SeriesVisit, booking: Booking | None) -> VisitView:
    same = {name: getattr(visit, name) for name in VisitView.model_fields if hasattr(visit, name)}
    return VisitView(
        **same,
        starts_at=booking.appointment_start if booking else None,
        booking_status=booking.status if booking else None,
    )


def planned(series: Series, seen_to: Sequence[date] | set[date]) -> list[PlannedView]:
    if series.next_on is None or series.status is not SeriesStatus.ACTIVE:
        return []
    ahead = (day for day in series.rhythm.days(series.next_on) if day not in seen_to)
    return [PlannedView(on_date=day, starts_at=series.moment(day)) for day in islice(ahead, PLANNED)]
