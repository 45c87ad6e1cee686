"""Every so many weeks, at the same wall time: a pure function from days to moments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .hours import first_showing

MIDNIGHT = datetime.min.time()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """From `first_on`, and on its weekday, until `last_on` (None: on and on); `minute` counts from local midnight."""

    first_on: date
    every_weeks: int
    minute: int
    last_on: date | None = None

    @property
    def step(self) -> timedelta:
        return timedelta(weeks=self.every_weeks)

    def has(self, day: date) -> bool:
        return self.next_from(day) == day

    def next_from(self, day: date) -> date | None:
        """The first day of it that is not before this one; None if it is over by then."""
        behind = max(day - self.first_on, timedelta())
        found = self.first_on + -(-behind // self.step) * self.step
        return None if self.last_on is not None and found > self.last_on else found

    def after(self, day: date) -> date | None:
        return self.next_from(day + timedelta(days=1))

    def days(self, since: date) -> Iterator[date]:
        """Those not before `since`, in order; without a last day there is always another."""
        day = self.next_from(since)
        while day is not None:
            yield day
            day = self.after(day)

    def until(self, visits: int) -> date:
        """The day of the visit of this number, the first being 1."""
        return self.first_on + (visits - 1) * self.step

    def moment(self, day: date, zone: ZoneInfo) -> datetime | None:
        """When the clocks there first show its time on this day; None if they skip it. It keeps its wall time, so that
        the hours between two visits differ where the clocks change."""
        return first_showing(datetime.combine(day, MIDNIGHT) + timedelta(minutes=self.minute), zone)
