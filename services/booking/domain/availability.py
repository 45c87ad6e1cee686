"""When an affiliate works: weekly windows in local wall time, and the crews that can be sent out."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, Keyed, Timestamped
from shared.errors import Conflict, NotFound, Unprocessable

from . import Base

WINDOWS_NO_OVERLAP = "availability_no_overlap"
WINDOW_MAKES_SENSE = "ck_availability_window"
MOST_CREWS = 50


class WindowsOverlap(Unprocessable):
    """Two windows of one day overlap, or one closes before it opens. A window of all crews overlaps those of each."""


class NoSuchCrew(NotFound):
    """There is no such crew, or it is not yours to see."""


class TooManyCrews(Conflict):
    """An affiliate has `most` crews at most."""


class LastCrew(Conflict):
    """This is the last crew that can be sent out. Add another first, or close for a while."""


class Crew(Aggregate, Base, kw_only=True):
    """One van: it does one job at a time, and needs a time before each and after it.

    Its working day begins at `start_zip` and ends at `end_zip`; without one, at the affiliate's base.
    """

    __tablename__ = "crews"

    affiliate_id: Mapped[int]
    name: Mapped[str]
    buffer_before_minutes: Mapped[int] = mapped_column(default=0)
    buffer_minutes: Mapped[int] = mapped_column(default=30)
    start_zip: Mapped[str | None] = mapped_column(default=None)
    end_zip: Mapped[str | None] = mapped_column(default=None)
    max_jobs_per_day: Mapped[int | None] = mapped_column(default=None)
    max_minutes_per_day: Mapped[int | None] = mapped_column(default=None)
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def crew_id(self) -> int:
        return self.id

    def blocked(self, start: datetime, minutes: int) -> tuple[datetime, datetime]:
        """The half-open range that a job takes from this crew, its buffers included."""
        before = timedelta(minutes=self.buffer_before_minutes)
        return start - before, start + timedelta(minutes=minutes + self.buffer_minutes)

    def change(self, terms: Mapping[str, Any]) -> None:
        """`terms`: all that can be said of it, as it is to be. Bookings that stand keep their times."""
        for name, value in terms.items():
            setattr(self, name, value)
        self.version += 1

    def send_out(self, *, active: bool) -> None:
        """Whether it gets new jobs; those that it has it keeps."""
        if self.active != active:
            self.active = active
            self.version += 1


class Availability(Keyed, Timestamped, Base, kw_only=True):
    """One weekly window; `weekday` 0 is Monday, minutes count from local midnight, 1440 is the next one.

    `crew_id` None: of all crews. With `zips`, or `near_radius_m` around `near_zip`, only for jobs at these places.
    """

    __tablename__ = "availability"

    affiliate_id: Mapped[int]
    weekday: Mapped[int]
    opens_minute: Mapped[int]
    closes_minute: Mapped[int]
    crew_id: Mapped[int | None] = mapped_column(default=None)
    zips: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    near_zip: Mapped[str | None] = mapped_column(default=None)
    near_radius_m: Mapped[int | None] = mapped_column(default=None)

    def applies_on(self, day: date) -> bool:
        return day.weekday() == self.weekday
