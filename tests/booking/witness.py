"""What a crowd was told, and what of it cannot be: two jobs of one crew at one time or too far apart, and refusals
while a crew was free. In plain Python, with clocks on both sides of each answer; it knows nothing of the code.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from itertools import combinations
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from shared.places import find_place

from .conftest import ZONE
from .quoting import Json

BUFFER, MINUTE = timedelta(minutes=30), timedelta(minutes=1)
OPEN, CLOSED = 8, 18  # hours
BASE = (40.69, -73.99)
HOME = "11201"  # where the base is
# Nearer than its buffers, and so far that they are not enough.
ZIPS = (HOME, HOME, HOME, "11211", "10601", "08817")


@dataclass(frozen=True)
class Job:
    """From when until when, and where."""

    start: datetime
    end: datetime
    zip: str

    def collides(self, other: "Job", slack: timedelta) -> bool:
        """Whether one crew cannot do both: with the buffers, or the drive if that is longer. Drives are in whole
        minutes: what one of them decides is called so only beyond the slack."""
        first, then = (self, other) if self.start <= other.start else (other, self)
        if then.start < first.end + BUFFER:
            return True
        return then.start < first.end + drive(first.zip, then.zip) - slack

    @cached_property
    def is_offered(self) -> bool:
        """On the grid, and the crew leaves its base and is back within the hours."""
        start, end = (at.astimezone(ZoneInfo(ZONE)) for at in (self.start, self.end))
        day, way = start.replace(hour=0, minute=0), drive(HOME, self.zip)
        within = day + timedelta(hours=OPEN) + way <= start and end + way <= day + timedelta(hours=CLOSED)
        return within and start.minute in (0, 30)


def job_of(booking: Json) -> Job:
    start, end = (datetime.fromisoformat(booking[f"appointment_{which}"]) for which in ("start", "end"))
    return Job(start, end, booking["zip"])


@cache
def drive(one: str, other: str) -> timedelta:
    """The great circle and a third of it, at 25 km/h the first five kilometres, 40 until twenty, 70 until eighty."""
    (a, b), (c, d) = _where(one), _where(other)
    north, east = math.radians(c - a), math.radians(d - b)
    angle = math.sin(north / 2) ** 2 + math.cos(math.radians(a)) * math.cos(math.radians(c)) * math.sin(east / 2) ** 2
    km = 2 * 6371 * math.asin(math.sqrt(angle))
    road = km * 1.3
    hours = min(road, 5) / 25 + max(min(road, 20) - 5, 0) / 40 + max(road - 20, 0) / 70
    return timedelta() if km < 1 else timedelta(minutes=round(hours * 60))


def _where(zip: str) -> tuple[float, float]:
    place = find_place(zip)
    assert place is not None
    return place.latitude, place.longitude


@dataclass
class Span:
    """That a crew has a job: for sure from `since` to `until`, and at no time before `earliest` or after `latest`."""

    booking: Json
    earliest: float
    since: float
    until: float = inf
    latest: float = inf

    @cached_property
    def job(self) -> Job:
        return job_of(self.booking)

    @property
    def id(self) -> int:
        return int(self.booking["id"])

    @property
    def version(self) -> int:
        return int(self.booking["version"])

    @property
    def stands(self) -> bool:
        """As far as anybody was told."""
        return self.latest == inf

    def ends(self, first: float, last: float) -> None:
        self.until, self.latest = min(self.until, first), min(self.latest, last)


@dataclass(frozen=True)
class Refusal:
    """That a time was said to be taken; `but`: by others than this one, which was to be moved there or made longer;
    `crew`: of this one, where no other could come."""

    affiliate: int
    job: Job
    asked: float
    answered: float
    but: int | None = None
    crew: int | None = None

    def is_kept_by(self, span: Span) -> bool:
        then = span.earliest <= self.answered and span.latest >= self.asked
        return then and span.id != self.but and span.job.collides(self.job, slack=-MINUTE)


@dataclass
class Witness:
    spans: list[Span] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    over: dict[int, list[tuple[int, float, float]]] = field(default_factory=lambda: defaultdict(list))
    of: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))

    def sees(self, span: Span) -> None:
        self.spans.append(span)
        self.of[span.id].append(span)
        for version, first, last in self.over[span.id]:
            if span.version < version:
                span.ends(first, last)

    def sees_end(self, booking_id: int, version: int, first: float, last: float) -> None:
        """Of all that was so before this version of the booking, which came about between these moments."""
        self.over[booking_id].append((version, first, last))
        for span in self.of[booking_id]:
            if span.version < version:
                span.ends(first, last)

    def double_booked(self) -> list[tuple[int, int]]:
        """Pairs of bookings that one crew had for sure and cannot do both; also if one of them is over by now."""
        pairs = (pair for spans in self._by_day().values() for pair in combinations(spans, 2))
        return [
            (a.id, b.id) for a, b in pairs
            if a.id != b.id and max(a.since, b.since) < min(a.until, b.until) and a.job.collides(b.job, slack=MINUTE)
        ]  # fmt: skip

    def refused_for_nothing(self, crews: Iterable[tuple[int, int]]) -> Iterator[Refusal]:
        """While at least one crew, of (affiliate, crew), had nothing to do that kept it: zero winners."""
        by_day, of = self._by_day(), defaultdict(list)
        for affiliate, crew in crews:
            of[affiliate].append(crew)
        for refusal in self.refusals:
            day, able = refusal.job.start.date(), [refusal.crew] if refusal.crew else of[refusal.affiliate]
            if not all(any(refusal.is_kept_by(span) for span in by_day[crew, day]) for crew in able):
                yield refusal

    def _by_day(self) -> dict[tuple[int, Any], list[Span]]:
        """All jobs begin within the working hours of one day, in UTC as at the place."""
        found = defaultdict(list)
        for span in self.spans:
            found[span.booking["crew_id"], span.job.start.date()].append(span)
        return found
