"""What one crew can do on one local day: every rule that offers a time or hides it, each with its name."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from shared.places import Place

from .agenda import Agenda, Job
from .availability import Crew
from .hours import MIDNIGHT, Day, Span, is_second_showing
from .travel import Drives


class Rule(StrEnum):
    """Why a time is not offered."""

    CLOSED = "closed"  # outside the hours, or it would last past them
    PLACE = "place"  # the hours are for jobs elsewhere
    EXCEPTION = "exception"
    OFF_GRID = "off_grid"
    GAP = "gap"  # the clocks show this time a second time; what they skip is no time at all
    LEAD = "lead"
    HORIZON = "horizon"
    TAKEN = "taken"
    BUFFER = "buffer"
    TRAVEL = "travel"
    MAX_JOBS = "max_jobs"
    MAX_MINUTES = "max_minutes"
    EXTERNAL_CALENDAR = "external_calendar"


BUSY = {Rule.TAKEN, Rule.BUFFER, Rule.TRAVEL, Rule.MAX_JOBS, Rule.MAX_MINUTES, Rule.EXTERNAL_CALENDAR}


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What hides a time; which booking, if it is one."""

    rule: Rule
    booking_id: int | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it is something that the crew has to do; too far from where its day begins or ends is not."""
        return self.rule in BUSY and (self.rule is not Rule.TRAVEL or self.booking_id is not None)


@dataclass(frozen=True, slots=True)
class Stop:
    """What is to be done: so long, there. Where that is not known, no drive is counted, and hours that are for some
    places are left out; but not if it may be `anywhere`."""

    minutes: int
    place: Place | None = None
    anywhere: bool = False

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)


class Tour:
    """A crew on a local day, asked whether it can make another stop.

    Its day begins at its start location when its first hours of the day begin, and ends at its end location with the
    last. Hours from or to midnight have no such end: whoever works through the night is on the road.
    """

    def __init__(
        self, crew: Crew, day: Day, agenda: Agenda, stop: Stop, drives: Drives, ends: tuple[Place | None, Place | None]
    ) -> None:
        self.crew, self.day, self.agenda, self.stop, self.drives = crew, day, agenda, stop, drives
        self.first_place, self.last_place = ends
        self._length = stop.length
        self._open = [span for span in day.open if span.hours.are_of(crew.id)]
        self._shut = [span for span in day.shut if span.hours.are_of(crew.id)]

    def starts(self) -> Iterator[datetime]:
        """When the hours let this stop begin, whatever else there is to do; each once, in no order."""
        found = set[datetime]()
        for span in filter(self._reaches, self._open):
            latest = span.ends - self._length
            found.update(start for start in span.starts if start <= latest)
        return filter(self._is_open, found)

    def has_slot(self, earliest: datetime, latest: datetime) -> bool:
        """Whether one of `starts` from `earliest` to `latest` is free; looks no further than the first."""
        for span in filter(self._reaches, self._open):
            last = min(latest, span.ends - self._length)
            ahead = (start for start in span.starts if earliest <= start <= last and self._is_open(start))
            if any(map(self.is_free, ahead)):
                return True
        return False

    def is_free(self, start: datetime) -> bool:
        """The same parts as `busy_with`, the quickest first: a page asks this of a thousand times."""
        return not self._is_kept(start) and not self._limits and next(self._too_far(start), None) is None

    def hindrances(self, start: datetime) -> list[Hindrance]:
        """All that keeps it from this stop then; nothing exactly if the time is one of `starts` and free."""
        return [*self._not_open(start, start + self._length), *self.busy_with(start)]

    def _not_open(self, start: datetime, end: datetime) -> Iterator[Hindrance]:
        within = [span for span in self._open if span.holds(start, end)]
        there = [span for span in within if self._reaches(span)]
        if not within:
            yield Hindrance(Rule.CLOSED)
        elif not there:
            yield Hindrance(Rule.PLACE)
        elif not any(start in span.starts for span in there):
            second = is_second_showing(start, self.day.zone)
            yield Hindrance(Rule.GAP if second else Rule.OFF_GRID)
        if self._is_shut(start, end):
            yield Hindrance(Rule.EXCEPTION)

    def busy_with(self, start: datetime) -> Iterator[Hindrance]:
        """What it has to do that leaves no time for this stop."""
        if self._is_kept(start):
            yield from self._collisions(start)
        yield from self._limits
        yield from self._too_far(start)

    def _is_kept(self, start: datetime) -> bool:
        return self.agenda.keeps(start + self._blocks[0], start + self._blocks[1])

    @cached_property
    def _blocks(self) -> tuple[timedelta, timedelta]:
        """From when until when it is kept, seen from the start."""
        begins, ends = self.crew.blocked(self.day.noon, self.stop.minutes)
        return begins - self.day.noon, ends - self.day.noon

    def _collisions(self, start: datetime) -> Iterator[Hindrance]:
        end = start + self._length
        for other in self.agenda.colliding(start + self._blocks[0], start + self._blocks[1]):
            if other.booking_id is None:
                yield Hindrance(Rule.EXTERNAL_CALENDAR)
            else:
                meets = (other.begins or other.start) < end and start < (other.ends or other.end)
                yield Hindrance(Rule.TAKEN if meets else Rule.BUFFER, other.booking_id)

    def _too_far(self, start: datetime) -> Iterator[Hindrance]:
        """Between neighbours lies the drive or the buffers, whichever is longer: buffers are part of `blocked`."""
        if self.stop.place is None:
            return
        end = start + self._length
        before, after = self.agenda.neighbours(start)
        if before and before.ends + self.drives.from_(before.place) > start and before.ends <= start:
            yield Hindrance(Rule.TRAVEL, before.booking_id)
        if after and end + self.drives.to(after.place) > after.begins and end <= after.begins:
            yield Hindrance(Rule.TRAVEL, after.booking_id)
        if self._is_late(start, before) or self._is_late_home(end, after):
            yield Hindrance(Rule.TRAVEL)

    def _is_late(self, start: datetime, before: Job | None) -> bool:
        """With nothing to do before on this day, it comes from its start location."""
        leaves = self._leaves
        is_first = before is None or (leaves is not None and before.ends <= leaves)
        return is_first and leaves is not None and leaves <= start < leaves + self._way_out

    def _is_late_home(self, end: datetime, after: Job | None) -> bool:
        returns = self._returns
        is_last = after is None or (returns is not None and after.begins >= returns)
        return is_last and returns is not None and returns - self._way_home < end <= returns

    @cached_property
    def _way_out(self) -> timedelta:
        return self.drives.from_(self.first_place)

    @cached_property
    def _way_home(self) -> timedelta:
        return self.drives.to(self.last_place)

    @cached_property
    def _leaves(self) -> datetime | None:
        first = min(self._open, key=lambda span: span.begins, default=None)
        return first.begins if first and first.hours.from_minute > 0 else None

    @cached_property
    def _returns(self) -> datetime | None:
        last = max(self._open, key=lambda span: span.ends, default=None)
        return last.ends if last and last.hours.to_minute < MIDNIGHT else None

    @cached_property
    def _limits(self) -> list[Hindrance]:
        """Whether one stop more would be too many for the day."""
        most_jobs, most_minutes = self.crew.max_jobs_per_day, self.crew.max_minutes_per_day
        if most_jobs is None and most_minutes is None:
            return []
        jobs, length = self.agenda.on(self.day.date)
        found = [Hindrance(Rule.MAX_JOBS)] if most_jobs is not None and jobs >= most_jobs else []
        if most_minutes is not None and length + self.stop.length > timedelta(minutes=most_minutes):
            found.append(Hindrance(Rule.MAX_MINUTES))
        return found

    def _reaches(self, span: Span) -> bool:
        place = self.stop.place
        return self.stop.anywhere or not span.hours.limited or (place is not None and span.hours.reach(place))

    def _is_open(self, start: datetime) -> bool:
        return not self._shut or not self._is_shut(start, start + self._length)

    def _is_shut(self, start: datetime, end: datetime) -> bool:
        return any(span.meets(start, end) for span in self._shut)
