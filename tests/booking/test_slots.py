"""P13: the slot function in every IANA zone, on both days on which its clocks change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.booking.domain.agenda import Taken
from services.booking.domain.availability import Crew
from services.booking.domain.hours import Hours, Kind
from services.booking.domain.schedule_settings import INTERVAL_MINUTES
from services.booking.domain.slots import Schedule
from services.booking.domain.tour import Rule, Stop
from shared.places import place_of

YEARS = (2026, 2027)
EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def crew(id: int, buffer_minutes: int = 0) -> Crew:
    made = Crew(affiliate_id=1, name=f"Crew {id}", buffer_minutes=buffer_minutes)
    made.id = id
    return made


def weekly(weekday: int, opens: int, closes: int, **more: Any) -> Hours:
    return Hours(Kind.WEEKLY, opens, closes, weekday=weekday, **more)


def on(day: date, kind: Kind, opens: int = 0, closes: int = 1440, **more: Any) -> Hours:
    return Hours(kind, opens, closes, first_day=day, last_day=day, **more)


def around_the_clock() -> list[Hours]:
    return [weekly(n, 0, 1440) for n in range(7)]


def starts(of: Schedule, days: list[date], minutes: int = 30) -> list[datetime]:
    return [slot.starts_at for slot in of.slots(days, Stop(minutes), *EVER)]


def schedule(zone: str, *taken: Taken, crews: int = 1, buffer_minutes: int = 0) -> Schedule:
    numbers = range(1, crews + 1)
    return Schedule(ZoneInfo(zone), around_the_clock(), [crew(n, buffer_minutes) for n in numbers], taken)


def change_days(zone: ZoneInfo) -> Iterator[date]:
    """The local days in `YEARS` on which the offset from UTC changes."""
    day = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    while day.year <= YEARS[-1]:
        after = day + timedelta(days=1)
        if day.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield from {day.astimezone(zone).date(), after.astimezone(zone).date()}
        day = after


@pytest.mark.parametrize("zone", sorted(available_timezones()))
def test_no_slot_in_a_gap_and_none_twice_in_a_fold(zone: str) -> None:
    for day in change_days(ZoneInfo(zone)):
        found = starts(schedule(zone), [day])
        shown = [start.astimezone(ZoneInfo(zone)) for start in found]
        assert all(moment.date() == day and moment.minute % INTERVAL_MINUTES == 0 for moment in shown)
        assert len({moment.replace(tzinfo=None) for moment in shown}) == len(found), "a wall time sold twice"
        assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("zone", "day", "slots", "missing"),
    [
        ("America/New_York", date(2027, 3, 14), 46, "02:00"),
        ("America/New_York", date(2026, 11, 1), 48, None),
        ("Australia/Lord_Howe", date(2026, 10, 4), 47, "02:00"),
        ("Asia/Kathmandu", date(2026, 6, 1), 48, None),
        ("Africa/Cairo", date(2026, 4, 24), 46, "00:00"),
    ],
)
def test_the_days_on_which_clocks_change(zone: str, day: date, slots: int, missing: str | None) -> None:
    found = starts(schedule(zone), [day])
    shown = {start.astimezone(ZoneInfo(zone)).strftime("%H:%M") for start in found}
    assert len(found) == slots
    assert missing not in shown


moments = st.integers(0, 2 * 24 * 60).map(lambda minutes: datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes))
jobs = st.builds(
    lambda crew_id, start, minutes: Taken(crew_id, 1, start, start + timedelta(minutes=minutes)),
    st.integers(1, 3), moments, st.integers(1, 600),
)  # fmt: skip


@given(taken=st.lists(jobs, max_size=20), minutes=st.integers(15, 480), buffer=st.integers(0, 120))
def test_a_slot_never_collides_with_what_its_crew_has_to_do(taken: list[Taken], minutes: int, buffer: int) -> None:
    offered = schedule("Europe/Paris", *taken, crews=3, buffer_minutes=buffer)
    for slot in offered.slots([date(2026, 6, 1), date(2026, 6, 2)], Stop(minutes), *EVER):
        start, end = slot.crew.blocked(slot.starts_at, minutes)
        assert not [t for t in taken if t.crew_id == slot.crew.id and t.start < end and start < t.end]


@given(taken=st.lists(jobs, max_size=20), minutes=st.integers(15, 480))
def test_a_time_is_hidden_only_if_every_crew_is_taken(taken: list[Taken], minutes: int) -> None:
    days = [date(2026, 6, 1)]
    offered = schedule("Europe/Paris", *taken, crews=3)
    free = {slot.starts_at for slot in offered.slots(days, Stop(minutes), *EVER)}
    for start in set(starts(schedule("Europe/Paris"), days, minutes)) - free:
        end = start + timedelta(minutes=minutes)
        assert {t.crew_id for t in taken if t.start < end and start < t.end} >= {1, 2, 3}


def test_nothing_is_offered_before_the_earliest_time() -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    starts = [slot.starts_at for slot in schedule("UTC").slots([date(2026, 6, 1)], Stop(60), noon, EVER[1])]
    assert (starts[0], starts[-1]) == (noon, datetime(2026, 6, 1, 23, tzinfo=UTC))


def test_a_job_ends_before_its_window_does() -> None:
    found = starts(Schedule(ZoneInfo("UTC"), [weekly(0, 540, 660)], [crew(1)], ()), [date(2026, 6, 1)], 90)
    assert [start.strftime("%H:%M") for start in found] == ["09:00", "09:30"]


# -- exceptions, crews and places --


MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
NORTH, BASE, SOUTH = place_of("10583"), place_of("11201"), place_of("08701")  # Scarsdale, Brooklyn, Lakewood


def utc(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, 1, hour, minute, tzinfo=UTC)


def job(crew_id: int, begins: int, ends: int, place: Any = None, **more: Any) -> Taken:
    return Taken(crew_id, 7, utc(begins), utc(ends), begins=utc(begins), ends=utc(ends), place=place, **more)


def hours_of(found: list[datetime]) -> list[int]:
    return [start.hour for start in found if start.minute == 0]


def test_closed_hours_and_vacations_hide_and_extra_hours_show_whatever_the_week_says() -> None:
    hours = [
        weekly(0, 480, 720), on(MONDAY, Kind.CLOSED, 540, 600), on(MONDAY, Kind.EXTRA_HOURS, 900, 960),
        on(TUESDAY, Kind.EXTRA_HOURS, 480, 540),
    ]  # fmt: skip
    of = Schedule(ZoneInfo("UTC"), hours, [crew(1)], ())
    assert hours_of(starts(of, [MONDAY], 60)) == [8, 10, 11, 15]
    assert hours_of(starts(of, [TUESDAY], 60)) == [8]
    away = Schedule(ZoneInfo("UTC"), [*hours, on(MONDAY, Kind.VACATION)], [crew(1)], ())
    assert starts(away, [MONDAY], 60) == []


def test_what_is_said_of_one_crew_is_said_of_no_other() -> None:
    hours = [
        weekly(0, 480, 600, crew_id=1),
        weekly(0, 540, 660, crew_id=2),
        on(MONDAY, Kind.CLOSED, 480, 540, crew_id=1),
    ]
    of = Schedule(ZoneInfo("UTC"), hours, [crew(1), crew(2)], ())
    found = [(slot.starts_at.hour, slot.crew.id) for slot in of.slots([MONDAY], Stop(60), *EVER)]
    assert found == [(9, 1), (9, 2), (10, 2)]


@pytest.mark.parametrize(("place", "found"), [(NORTH, [8]), (SOUTH, []), (None, [])])
def test_hours_for_some_places_are_for_no_others(place: Any, found: list[int]) -> None:
    for limits in ({"zips": [NORTH.zip]}, {"near": place_of("10605"), "radius_m": 20_000}):
        of = Schedule(ZoneInfo("UTC"), [weekly(0, 480, 540, **limits)], [crew(1)], (), travel=Beam(0))
        assert [slot.starts_at.hour for slot in of.slots([MONDAY], Stop(60, place), *EVER)] == found
    assert of.has_slot(MONDAY, Stop(60, anywhere=True), *EVER)


class Beam:
    """As long wherever it goes."""

    def __init__(self, minutes: int) -> None:
        self.took = minutes

    def minutes(self, start: object, end: object) -> int:
        return self.took


@pytest.mark.parametrize(
    ("hours", "taken", "base", "found"),
    [
        (weekly(0, 0, 1440), [job(1, 12, 13, NORTH)], None, [*range(11), *range(14, 24)]),
        (weekly(0, 0, 1440), [job(1, 12, 13)], None, [*range(12), *range(13, 24)]),
        (weekly(0, 0, 1440), [job(1, 12, 13, NORTH, lapsed=True)], None, list(range(24))),
        (weekly(0, 480, 780), [], BASE, [9, 10, 11]),
        (weekly(0, 480, 780), [job(1, 8, 9, NORTH)], BASE, [10, 11]),
        (weekly(0, 480, 780), [job(1, 12, 13, NORTH)], BASE, [9, 10]),
    ],
    ids=["drives on both sides", "unknown place", "lapsed", "out and home", "no way out with a job before", "nor home"],
)
def test_the_drive_fits_between_neighbours_and_at_the_ends_of_the_day(
    hours: Hours, taken: list[Taken], base: Any, found: list[int]
) -> None:
    of = Schedule(ZoneInfo("UTC"), [hours], [crew(1)], taken, base=base, travel=Beam(60))
    assert hours_of([slot.starts_at for slot in of.slots([MONDAY], Stop(60, SOUTH), *EVER)]) == found


def test_a_crew_does_so_many_jobs_and_minutes_a_day_and_what_is_done_counts() -> None:
    busy = crew(1)
    busy.max_jobs_per_day, busy.max_minutes_per_day = 2, 180
    done, other = job(1, 8, 9, done=True), job(1, 12, 13)
    for taken, minutes, shown in (([done], 120, True), ([done], 121, False), ([done, other], 30, False)):
        of = Schedule(ZoneInfo("UTC"), around_the_clock(), [busy], taken)
        assert bool(starts(of, [MONDAY], minutes)) is shown
        assert starts(of, [TUESDAY], minutes)


def test_a_buffer_before_is_kept_from_the_job_before() -> None:
    careful = crew(1)
    careful.buffer_before_minutes = 30
    of = Schedule(ZoneInfo("UTC"), [weekly(0, 480, 720)], [careful], [job(1, 8, 9)])
    assert [start.strftime("%H:%M") for start in starts(of, [MONDAY], 60)] == ["09:30", "10:00", "10:30", "11:00"]


@pytest.mark.parametrize(
    ("at", "rules"),
    [
        (utc(7), [Rule.CLOSED]), (utc(11, 30), [Rule.CLOSED]), (utc(10, 10), [Rule.OFF_GRID]),
        (utc(10), [Rule.EXCEPTION]), (utc(8), [Rule.TAKEN]), (utc(9), [Rule.BUFFER]), (utc(9, 30), [Rule.EXCEPTION]),
        (utc(14), [Rule.EXTERNAL_CALENDAR]), (utc(15), [Rule.PLACE]), (utc(13), []),
    ],
)  # fmt: skip
def test_each_rule_that_hides_a_time_is_named(at: datetime, rules: list[Rule]) -> None:
    hours = [
        weekly(0, 480, 720),
        weekly(0, 780, 900),
        weekly(0, 900, 1000, zips=["10001"]),
        on(MONDAY, Kind.CLOSED, 600, 610),
    ]
    taken = [job(1, 8, 9), Taken(1, None, utc(14), utc(15))]
    of = Schedule(ZoneInfo("UTC"), hours, [crew(1, buffer_minutes=0)], [replace(taken[0], end=utc(9, 15)), taken[1]])
    assert [one.rule for one in of.hindrances(at, Stop(60))[1]] == rules


def test_the_second_showing_of_a_time_is_named() -> None:
    of = schedule("America/New_York")
    first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6))
    assert of.slot_at(first, Stop(30))
    assert [one.rule for one in of.hindrances(second, Stop(30))[1]] == [Rule.GAP]


def in_minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


places = st.sampled_from([None, NORTH, BASE, SOUTH])
some_hours = st.builds(
    lambda kind, opens, length, crew_id, zips: on(MONDAY, kind, opens, min(opens + length, 1440), crew_id=crew_id,
                                                  zips=zips if kind.opens else []),
    st.sampled_from([Kind.EXTRA_HOURS, Kind.EXTRA_HOURS, Kind.CLOSED]), st.integers(0, 1380), st.integers(30, 900),
    st.sampled_from([None, 1, 2]), st.sampled_from([[], [], [NORTH.zip]]),
)  # fmt: skip
some_jobs = st.builds(
    lambda crew_id, start, length, place, done: Taken(
        crew_id, 9, utc(0) + start, utc(0) + start + length, False, done, place=place
    ),
    st.integers(1, 2), st.integers(0, 1500).map(in_minutes), st.integers(1, 300).map(in_minutes), places, st.booleans(),
)  # fmt: skip


@settings(deadline=None)
@given(
    hours=st.lists(some_hours, max_size=5), taken=st.lists(some_jobs, max_size=6), place=places,
    minutes=st.integers(15, 300), interval=st.sampled_from([15, 30, 45]), at=st.integers(0, 1440),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]), most=st.sampled_from([None, 1, 2]),
)  # fmt: skip
def test_a_time_is_shown_exactly_if_nothing_hides_it(
    hours: list[Hours], taken: list[Taken], place: Any, minutes: int, interval: int, at: int, zone: str, most: Any
) -> None:
    crews = [crew(1, 10), crew(2)]
    crews[0].max_jobs_per_day = most
    of = Schedule(ZoneInfo(zone), hours, crews, taken, interval, BASE)
    stop = Stop(minutes, place)
    shown = {slot.starts_at: slot.crew.id for slot in of.slots([MONDAY - timedelta(1), MONDAY, TUESDAY], stop, *EVER)}
    for start in {*shown, utc(0) + timedelta(minutes=at)}:
        free = [crew_id for crew_id, hindrances in of.hindrances(start, stop).items() if not hindrances]
        slot = of.slot_at(start, stop)
        assert shown.get(start) == next(iter(free), None) == (slot.crew.id if slot else None)


@settings(deadline=None, max_examples=40)  # looks for change days first
@given(hours=st.lists(some_hours, max_size=4), zone=st.sampled_from(sorted(available_timezones())))
def test_extra_hours_are_sold_once_in_a_fold_and_never_in_a_gap(hours: list[Hours], zone: str) -> None:
    for day in list(change_days(ZoneInfo(zone)))[:4]:
        moved = [replace(one, first_day=day, last_day=day) for one in hours]
        found = starts(Schedule(ZoneInfo(zone), moved, [crew(1), crew(2)], ()), [day])
        shown = [start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for start in found]
        assert len(set(shown)) == len(shown)
        assert all(moment.date() == day for moment in shown)
