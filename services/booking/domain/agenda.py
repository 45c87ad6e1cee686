"""What a crew has to do: what keeps it, and its jobs in their order."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

from shared.places import Place

NOTHING = (0, timedelta(0))


@dataclass(frozen=True, slots=True)
class Taken:
    """A crew is taken from `start` until before `end`, buffers included.

    A lapsed hold keeps it from nobody; a job that is done keeps it no longer, and still counts for its day. Of a
    booking, `begins` and `ends` are the appointment and `place` is where it is. What an external calendar says is of no
    booking, and nobody knows where the crew is then.
    """

    crew_id: int
    booking_id: int | None
    start: datetime
    end: datetime
    lapsed: bool = False
    done: bool = False
    begins: datetime | None = None
    ends: datetime | None = None
    place: Place | None = None

    def collides(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


@dataclass(frozen=True, slots=True)
class Job:
    """An appointment on a crew's tour."""

    begins: datetime
    ends: datetime
    booking_id: int
    place: Place | None


class Agenda:
    """One crew's, in order; without lapsed holds."""

    def __init__(self, taken: Iterable[Taken], zone: ZoneInfo) -> None:
        self._zone = zone
        live = [one for one in taken if not one.lapsed]
        self._busy = sorted((one for one in live if not one.done), key=lambda one: one.start)
        self._starts = [one.start for one in self._busy]
        self._last = list(accumulate((one.end for one in self._busy), max))
        booked = ((one, one.booking_id) for one in live if one.booking_id is not None)
        self._jobs = sorted(
            (Job(one.begins or one.start, one.ends or one.end, id, one.place) for one, id in booked),
            key=lambda job: job.begins,
        )
        self._begins = [job.begins for job in self._jobs]

    def keeps(self, start: datetime, end: datetime) -> bool:
        """Whether of all that begins before `end`, anything lasts past `start`."""
        before = bisect_left(self._starts, end)
        return before > 0 and self._last[before - 1] > start

    def colliding(self, start: datetime, end: datetime) -> Iterator[Taken]:
        return (one for one in self._busy if one.collides(start, end))

    def neighbours(self, start: datetime) -> tuple[Job | None, Job | None]:
        """The job before a time and the one after it, done or not."""
        at = bisect_left(self._begins, start)
        return (self._jobs[at - 1] if at else None), (self._jobs[at] if at < len(self._jobs) else None)

    def on(self, day: date) -> tuple[int, timedelta]:
        """How many jobs begin on this local day, and how long they take in all."""
        return self._by_day.get(day, NOTHING)

    @cached_property
    def _by_day(self) -> dict[date, tuple[int, timedelta]]:
        found: dict[date, tuple[int, timedelta]] = {}
        for job in self._jobs:
            day = job.begins.astimezone(self._zone).date()
            jobs, length = found.get(day, NOTHING)
            found[day] = jobs + 1, length + (job.ends - job.begins)
        return found
