"""P13: the slot function in every IANA zone, on both days on which its clocks change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.agenda import Taken
from services.booking.domain.availability import Crew
from services.booking.domain.hours import Hours, Kind
from services.booking.domain.schedule_settings import INTERVAL_MINUTES
from services.booking.domain.slots import Schedule
from services.booking.domain.tour import Stop

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
