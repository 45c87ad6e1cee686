"""Which times can be booked: a pure function over hours, what is taken, drives, limits and a time zone.

What is shown and what is sold is decided here, and by nothing else. Every IANA zone is tested on both its change days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from shared.places import Place, find_place

from .agenda import Agenda, Taken
from .availability import Crew
from .hours import Day, Hours, day_of
from .schedule_settings import INTERVAL_MINUTES
from .tour import Hindrance, Rule, Stop, Tour
from .travel import BY_DISTANCE, Drives, Travel


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked, with the crew that would come."""

    starts_at: datetime
    ends_at: datetime
    crew: Crew


@dataclass(frozen=True)
class Schedule:
    """What an affiliate's slots come from. `base` is where crews start that name no other place."""

    zone: ZoneInfo
    hours: Sequence[Hours]
    crews: Sequence[Crew]
    taken: Sequence[Taken]
    interval: int = INTERVAL_MINUTES
    base: Place | None = None
    travel: Travel = BY_DISTANCE
    _days: dict[date, Day] = field(default_factory=dict, init=False, compare=False)

    def without(self, booking_id: int) -> "Schedule":
        """As it would be if this booking did not stand."""
        return replace(self, taken=[one for one in self.taken if one.booking_id != booking_id])

    def with_taken(self, one: Taken) -> "Schedule":
        return replace(self, taken=[*self.taken, one])

    def slots(self, days: Sequence[date], stop: Stop, earliest: datetime, latest: datetime) -> Iterator[Slot]:
        """Bookable times on these local days for this stop, in order, from `earliest` to `latest` (UTC, both in)."""
        drives = Drives(self.travel, stop.place)
        for day in days:
            found = dict[datetime, Crew]()
            for crew in self.crews:
                tour = self._tour(crew, day, stop, drives)
                ahead = (start for start in tour.starts() if earliest <= start <= latest and start not in found)
                found.update((start, crew) for start in ahead if tour.is_free(start))
            for start in sorted(found):
                yield Slot(start, start + stop.length, found[start])

    def has_slot(self, day: date, stop: Stop, earliest: datetime, latest: datetime) -> bool:
        """Whether one begins on this local day; looks no further than it."""
        drives = Drives(self.travel, stop.place)
        return any(self._tour(crew, day, stop, drives).has_slot(earliest, latest) for crew in self.crews)

    def slot_at(self, start: datetime, stop: Stop) -> Slot | None:
        """The slot that begins then, of the first crew that nothing keeps from it."""
        crew = next((tour.crew for tour in self._tours(start, stop) if not tour.hindrances(start)), None)
        return Slot(start, start + stop.length, crew) if crew else None

    def hindrances(self, start: datetime, stop: Stop) -> dict[int, list[Hindrance]]:
        """By crew, all that keeps it from beginning then."""
        return {tour.crew.id: tour.hindrances(start) for tour in self._tours(start, stop)}

    def is_only_busy(self, start: datetime, stop: Stop) -> bool:
        """Whether there is a crew that could, did it not have other things to do."""
        found = self.hindrances(start, stop).values()
        return any(hindrances and all(one.is_busy for one in hindrances) for hindrances in found)

    def free_again(self, booking_id: int, crew_id: int, start: datetime, stop: Stop) -> Crew | None:
        """The crew of a booking that lost its time, if nobody else has it and it still works then. The grid may be
        another by now: the time was offered once."""
        crew = next((crew for crew in self.crews if crew.id == crew_id), None)
        left = [one for one in self.hindrances(start, stop).get(crew_id, ()) if one.rule is not Rule.OFF_GRID]
        return None if any(one.booking_id != booking_id for one in left) else crew

    def crew_until(self, crew_id: int, start: datetime, stop: Stop) -> Crew | None:
        """The crew, if neither other jobs nor a calendar keep it from staying so long."""
        crew = next((crew for crew in self.crews if crew.id == crew_id), None)
        found = self.hindrances(start, stop).get(crew_id, ())
        kept = any(one.booking_id is not None or one.rule is Rule.EXTERNAL_CALENDAR for one in found)
        return None if kept else crew

    def lapsed_in_the_way(self, crew: Crew, start: datetime, minutes: int) -> list[int]:
        """The bookings whose hold ran out and which the exclusion constraint would still respect."""
        blocked = crew.blocked(start, minutes)
        lapsed = (one for one in self.taken if one.lapsed and one.crew_id == crew.id and one.collides(*blocked))
        return [one.booking_id for one in lapsed if one.booking_id is not None]

    def _tours(self, start: datetime, stop: Stop) -> Iterator[Tour]:
        day, drives = start.astimezone(self.zone).date(), Drives(self.travel, stop.place)
        return (self._tour(crew, day, stop, drives) for crew in self.crews)

    def _tour(self, crew: Crew, day: date, stop: Stop, drives: Drives) -> Tour:
        return Tour(crew, self._day(day), self._agendas[crew.id], stop, drives, self._ends[crew.id])

    def _day(self, day: date) -> Day:
        if day not in self._days:
            self._days[day] = day_of(day, self.hours, self.interval, self.zone)
        return self._days[day]

    @cached_property
    def _agendas(self) -> dict[int, Agenda]:
        taken: dict[int, list[Taken]] = {crew.id: [] for crew in self.crews}
        for one in self.taken:
            taken.setdefault(one.crew_id, []).append(one)
        return {crew_id: Agenda(its, self.zone) for crew_id, its in taken.items()}

    @cached_property
    def _ends(self) -> dict[int, tuple[Place | None, Place | None]]:
        """Where each crew's day begins and ends."""
        return {crew.id: (self._place(crew.start_zip), self._place(crew.end_zip)) for crew in self.crews}

    def _place(self, zip: str | None) -> Place | None:
        return find_place(zip) if zip else self.base
