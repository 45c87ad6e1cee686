"""Which times can be booked: a pure function over windows, what is taken, and a time zone.

Windows and the grid are local wall time. A time that the clocks skip is never offered; one that they show twice is
offered once, the first time. Every IANA zone is tested on both its change days.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

from .availability import Availability, Crew

GRID_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Taken:
    """A crew is taken from `start` until before `end`, buffer included; a lapsed hold keeps it from nobody.

    `booking_id` is None if it is by something else than a booking: an external calendar says so.
    """

    crew_id: int
    booking_id: int | None
    start: datetime
    end: datetime
    lapsed: bool = False

    def collides(self, crew: Crew, start: datetime, end: datetime) -> bool:
        return self.crew_id == crew.id and self.start < end and start < self.end


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked, with the crew that would come."""

    starts_at: datetime
    ends_at: datetime
    crew: Crew


@dataclass(frozen=True)
class Schedule:
    """What an affiliate's slots come from."""

    zone: ZoneInfo
    windows: Sequence[Availability]
    crews: Sequence[Crew]
    taken: Sequence[Taken]

    def slots(self, days: Sequence[date], minutes: int, *, earliest: datetime) -> Iterator[Slot]:
        """Bookable times on these local days for a job of so many minutes, in order, none before `earliest` (UTC)."""
        for start in self.starts(days, minutes):
            if start >= earliest and (crew := self.free_crew(start, minutes)):
                yield Slot(start, start + timedelta(minutes=minutes), crew)

    def starts(self, days: Sequence[date], minutes: int) -> Iterator[datetime]:
        """The times that the opening hours allow, taken or not."""
        for day in days:
            found = {at for w in self.windows if w.applies_on(day) for at in _starts(day, w, minutes, self.zone)}
            yield from sorted(found)

    def has_slot(self, day: date, minutes: int, earliest: datetime, latest: datetime) -> bool:
        """Whether one begins on this local day from `earliest` to `latest`, both included; looks no further than it."""
        starts = (at for w in self.windows if w.applies_on(day) for at in _starts(day, w, minutes, self.zone))
        return any(earliest <= start <= latest and self.free_crew(start, minutes) for start in starts)

    def free_crew(self, start: datetime, minutes: int) -> Crew | None:
        """The first crew that nothing keeps from a job at this time."""
        return next((crew for crew in self.crews if self._is_free(crew, *crew.blocked(start, minutes))), None)

    def _is_free(self, crew: Crew, start: datetime, end: datetime) -> bool:
        """Whether of all that begins before `end`, nothing lasts past `start`."""
        starts, lasts = self._busy.get(crew.id, ([], []))
        before = bisect_left(starts, end)
        return not before or lasts[before - 1] <= start

    @cached_property
    def _busy(self) -> dict[int, tuple[list[datetime], list[datetime]]]:
        """By crew: when its jobs begin, in order, and until when those up to each of them last."""
        jobs: dict[int, list[Taken]] = {}
        for job in sorted((t for t in self.taken if not t.lapsed), key=lambda t: t.start):
            jobs.setdefault(job.crew_id, []).append(job)
        return {crew: ([j.start for j in of], list(accumulate((j.end for j in of), max))) for crew, of in jobs.items()}

    def lapsed_in_the_way(self, crew: Crew, start: datetime, minutes: int) -> list[int]:
        """The bookings whose hold ran out and which the exclusion constraint would still respect."""
        job = crew.blocked(start, minutes)
        return [t.booking_id for t in self.taken if t.booking_id and t.lapsed and t.collides(crew, *job)]


def _starts(day: date, window: Availability, minutes: int, zone: ZoneInfo) -> Iterator[datetime]:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time has no zone yet
    opens, closes = (midnight + timedelta(minutes=at) for at in (window.opens_minute, window.closes_minute))
    first, end = _utc(opens, zone), _utc(closes, zone)
    # Where the clocks run evenly from one to the other no time is skipped, and there is no need to look at each.
    even = end - first == closes - opens and _exists(first, opens, zone) and _exists(end, closes, zone)
    for later in range(0, window.closes_minute - window.opens_minute, GRID_MINUTES):
        wall = opens + timedelta(minutes=later)
        start = first + timedelta(minutes=later) if even else _utc(wall, zone)
        if start + timedelta(minutes=minutes) <= end and (even or _exists(start, wall, zone)):
            yield start


def _utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clocks there show this; for a skipped time, the same distance past the gap."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _exists(instant: datetime, wall: datetime, zone: ZoneInfo) -> bool:
    return instant.astimezone(zone).replace(tzinfo=None) == wall
