"""Every so many weeks at the same wall time: which days, and which moments, in every zone there is."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.rhythm import Rhythm

from .test_slots import change_days

MONDAY = date(2026, 11, 2)
NEW_YORK = ZoneInfo("America/New_York")
RHYTHMS = st.builds(
    Rhythm,
    st.dates(date(2020, 1, 1), date(2060, 1, 1)),
    st.integers(1, 12),
    st.integers(0, 1439),
    st.none() | st.dates(date(2020, 1, 1), date(2060, 1, 1)),
)


@pytest.mark.parametrize(
    ("every", "since", "last", "days"),
    [
        (1, MONDAY, None, ["2026-11-02", "2026-11-09", "2026-11-16"]),
        (2, date(2026, 11, 3), None, ["2026-11-16", "2026-11-30", "2026-12-14"]),
        (12, date(2026, 11, 3), None, ["2027-01-25", "2027-04-19", "2027-07-12"]),
        (1, date(2020, 1, 1), date(2026, 11, 15), ["2026-11-02", "2026-11-09"]),
        (4, date(2026, 11, 30), date(2026, 11, 30), ["2026-11-30"]),
        (1, MONDAY, date(2026, 11, 1), []),
        (3, date(2026, 12, 1), date(2026, 12, 1), []),
    ],
)
def test_which_days_it_has(every: int, since: date, last: date | None, days: list[str]) -> None:
    found = islice(Rhythm(MONDAY, every, 540, last).days(since), 3)
    assert [day.isoformat() for day in found] == days


@given(RHYTHMS, st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_its_days_lie_so_many_weeks_apart_on_one_weekday_and_within_its_ends(rhythm: Rhythm, since: date) -> None:
    days = list(islice(rhythm.days(since), 4))
    assert all(day.weekday() == rhythm.first_on.weekday() and rhythm.has(day) for day in days)
    assert all(later - sooner == timedelta(weeks=rhythm.every_weeks) for sooner, later in pairwise(days))
    assert all(since <= day >= rhythm.first_on and (rhythm.last_on is None or day <= rhythm.last_on) for day in days)
    if days:
        assert days[0] == rhythm.first_on or days[0] - rhythm.step < since


@given(RHYTHMS, st.integers(1, 50))
def test_so_many_visits_are_so_many(rhythm: Rhythm, visits: int) -> None:
    until = Rhythm(rhythm.first_on, rhythm.every_weeks, rhythm.minute, rhythm.until(visits))
    assert len(list(until.days(rhythm.first_on))) == visits


def test_it_keeps_its_wall_time_over_a_change_of_the_clocks() -> None:
    weekly = Rhythm(date(2026, 10, 26), 1, 9 * 60)
    before, after = (weekly.moment(day, NEW_YORK) for day in islice(weekly.days(weekly.first_on), 2))
    assert (before, after) == (datetime(2026, 10, 26, 13, tzinfo=UTC), datetime(2026, 11, 2, 14, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "minute", "moment"),
    [
        (date(2026, 3, 8), 150, None),  # 2:30, which the clocks skip
        (date(2026, 3, 8), 180, datetime(2026, 3, 8, 7, tzinfo=UTC)),
        (date(2026, 11, 1), 90, datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # 1:30, the first time they show it
    ],
)
def test_a_time_that_is_skipped_is_none_and_one_shown_twice_is_the_first(
    day: date, minute: int, moment: datetime | None
) -> None:
    assert Rhythm(day, 1, minute).moment(day, NEW_YORK) == moment


def test_a_day_that_a_zone_skipped_has_no_time() -> None:
    assert Rhythm(date(2011, 12, 30), 1, 540).moment(date(2011, 12, 30), ZoneInfo("Pacific/Apia")) is None


@pytest.mark.parametrize("zone", sorted(available_timezones()))
def test_on_days_on_which_clocks_change_each_quarter_of_an_hour_is_itself_or_none(zone: str) -> None:
    """Each moment shows the wall time of the series, and is the first that does; only what nothing shows is none."""
    there = ZoneInfo(zone)
    for day in change_days(there):
        shown = _first_showings(day, there)
        for minute in range(0, 1440, 15):
            moment = Rhythm(day - timedelta(weeks=2), 2, minute).moment(day, there)
            assert moment == shown.get(minute), (day, minute)


def _first_showings(day: date, zone: ZoneInfo) -> dict[int, datetime]:
    """By walking along the clock: when each minute of the day is first shown."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=30)
    found: dict[int, datetime] = {}
    for _ in range(84 * 4):
        local = at.astimezone(zone)
        if local.date() == day:
            found.setdefault(local.hour * 60 + local.minute, at)
        at += timedelta(minutes=15)
    return found
