"""The visits of a series: what became of each of its days."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ARRAY, DateTime
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, words
from shared.errors import Conflict, NotFound

from . import Base
from .booking import Booking
from .life import Status

MOST_UNPAID = 2  # in a row
ONE_A_DAY = "uq_series_visits_day"
NO_SUCH_TIME = "no-such-time"  # the clocks skip it on that day
PAID_BEFORE = "paid-before"  # by the series that this one follows


class NoSuchVisit(NotFound):
    """The series has no visit on this day, or it is still to come and will be booked by itself."""


class VisitIsSeenTo(Conflict):
    """This visit is booked, was missed, or is left out already. What is booked is moved or cancelled as any booking."""


class VisitOutcome(StrEnum):
    BOOKED = "booked"
    MISSED = "missed"  # the time could not be had
    SKIPPED = "skipped"


class Latest(NamedTuple):
    """Of a visit that was booked: what became of it, what it cost."""

    status: Status
    lapsed: bool
    price_cents: int

    @property
    def waits(self) -> bool:
        return self.status in (Status.REQUESTED, Status.HELD) and not self.lapsed

    @property
    def was_not_paid(self) -> bool:
        return self.status is Status.EXPIRED or (self.status is Status.HELD and self.lapsed)


def are_unpaid(latest: Sequence[Latest]) -> bool:
    """So many that no more should be booked. Where an affiliate says yes first, what it did not answer expires, too."""
    return len(latest) >= MOST_UNPAID and all(one.was_not_paid for one in latest)


class SeriesVisit(Aggregate, Base, kw_only=True):
    """`on_date` is its day by the rhythm, wherever its booking was moved. `reason` is the code of the refusal for which
    it was missed, `other_times` what was free then."""

    __tablename__ = "series_visits"

    series_id: Mapped[int]
    on_date: Mapped[date]
    status: Mapped[VisitOutcome] = mapped_column(words(VisitOutcome))
    booking_id: Mapped[int | None] = mapped_column(default=None)
    price_cents: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)
    other_times: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), default_factory=list)

    def book(self, booking: Booking) -> None:
        """At the time of the series, or later at another that its customer chose."""
        self.status, self.booking_id, self.price_cents = VisitOutcome.BOOKED, booking.id, booking.price_cents
        self.reason, self.other_times = None, []
        if self.id is not None:
            self.version += 1
