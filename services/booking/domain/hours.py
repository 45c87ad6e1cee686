"""Opening hours: local wall time on certain days, and the instants that it comes to.

A time that the clocks skip is never offered; one that they show twice is offered once, the first time.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.places import Place, serves

MIDNIGHT = 1440


class Kind(StrEnum):
    WEEKLY = "weekly"
    EXTRA_HOURS = "extra_hours"
    CLOSED = "closed"
    VACATION = "vacation"

    @property
    def opens(self) -> bool:
        return self in (Kind.WEEKLY, Kind.EXTRA_HOURS)


@dataclass(frozen=True, slots=True)
class Hours:
    """From minute to minute of each local day on which it applies; of one crew, or of all (None).

    With zip codes, or a radius around `near`, only jobs at these places are done then.
    """

    kind: Kind
    from_minute: int
    to_minute: int
    weekday: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    crew_id: int | None = None
    zips: Collection[str] = ()
    near: Place | None = None
    radius_m: int = 0

    def apply_on(self, day: date) -> bool:
        if self.first_day is None or self.last_day is None:
            return day.weekday() == self.weekday
        return self.first_day <= day <= self.last_day

    def are_of(self, crew_id: int) -> bool:
        return self.crew_id is None or self.crew_id == crew_id

    @property
    def limited(self) -> bool:
        return bool(self.zips) or self.near is not None

    def reach(self, place: Place) -> bool:
        if not self.limited:
            return True
        if self.near is None:
            return place.zip in self.zips
        return serves(place, self.near.latitude, self.near.longitude, self.radius_m, self.zips)


@dataclass(frozen=True, slots=True)
class Evenly:
    """Instants one interval apart, worked out as they are looked at: often the first is enough."""

    first: datetime
    interval: timedelta
    number: int

    def __iter__(self) -> Iterator[datetime]:
        at = self.first
        for _ in range(self.number):
            yield at
            at += self.interval

    def __contains__(self, instant: object) -> bool:
        if not isinstance(instant, datetime):
            return False
        intervals, rest = divmod(instant - self.first, self.interval)
        return not rest and 0 <= intervals < self.number

    def __len__(self) -> int:
        return self.number


@dataclass(frozen=True, slots=True)
class Span:
    """Hours on one day: from an instant to another, and when a job may begin in them."""

    hours: Hours
    begins: datetime
    ends: datetime
    starts: Collection[datetime] = ()

    def holds(self, start: datetime, end: datetime) -> bool:
        return self.begins <= start and end <= self.ends

    def meets(self, start: datetime, end: datetime) -> bool:
        return self.begins < end and start < self.ends


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of all crews: when it is open, and when it is closed whatever else is said."""

    date: date
    zone: ZoneInfo
    open: list[Span]
    shut: list[Span]

    @property
    def noon(self) -> datetime:
        return datetime(self.date.year, self.date.month, self.date.day, 12, tzinfo=UTC)


def day_of(day: date, every: Collection[Hours], interval: int, zone: ZoneInfo) -> Day:
    """With a start each `interval` minutes from when hours begin."""
    spans = [_span(day, hours, interval, zone) for hours in every if hours.apply_on(day)]
    return Day(day, zone, [s for s in spans if s.hours.kind.opens], [s for s in spans if not s.hours.kind.opens])


def is_second_showing(instant: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks there showed this time before: then it was offered before, too."""
    return instant.astimezone(zone).fold == 1


def first_showing(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant at which the clocks there show this; None if they skip it."""
    instant = _utc(wall, zone)
    return instant if _exists(instant, wall, zone) else None


def _span(day: date, hours: Hours, interval: int, zone: ZoneInfo) -> Span:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time has no zone yet
    opens, closes = (midnight + timedelta(minutes=at) for at in (hours.from_minute, hours.to_minute))
    begins, ends = _utc(opens, zone), _utc(closes, zone)
    if not hours.kind.opens:
        return Span(hours, begins, ends)
    # Where the clocks run evenly from one to the other no time is skipped, and there is no need to look at each.
    even = ends - begins == closes - opens and _exists(begins, opens, zone) and _exists(ends, closes, zone)
    later = range(0, hours.to_minute - hours.from_minute, interval)
    if even:
        return Span(hours, begins, ends, Evenly(begins, timedelta(minutes=interval), len(later)))
    return Span(hours, begins, ends, tuple(_shown(opens, later, zone)))


def _shown(opens: datetime, later: range, zone: ZoneInfo) -> Iterator[datetime]:
    for minutes in later:
        if instant := first_showing(opens + timedelta(minutes=minutes), zone):
            yield instant


def _utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clocks there show this; for a skipped time, the same distance past the gap."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _exists(instant: datetime, wall: datetime, zone: ZoneInfo) -> bool:
    return instant.astimezone(zone).replace(tzinfo=None) == wall
