"""What a calendar says, read by the program that reads it: when it is busy, and nothing of what is wrong with it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from services.booking import ics
from services.booking.domain.feeds import uids_of
from services.booking.ics import Asked, Refused, busy

from .ics import APPLE, GOOGLE, OUTLOOK, at, meeting, vcalendar

NEW_YORK = ZoneInfo("America/New_York")
JUNE = datetime(2026, 6, 1, 4, tzinfo=UTC)  # midnight in New York
APRIL = datetime(2026, 4, 1)  # noqa: DTZ001 - a wall clock's
HOUR = timedelta(hours=1)


def read(content: bytes | str, zone: str = "America/New_York", days: int = 30, ours: str = "none") -> list[str]:
    """Busy times as `day/hour:minute-hour:minute` of the zone."""
    raw = content if isinstance(content, bytes) else content.strip().replace("\n", "\r\n").encode() + b"\r\n"
    asked = Asked(ZoneInfo(zone), JUNE, JUNE + timedelta(days=days), re.compile(ours))
    spans = [[moment.astimezone(asked.zone) for moment in span] for span in busy(raw, asked)]
    return [f"{start:%d/%H:%M}-{end:%H:%M}" if end - start < timedelta(days=1) else f"{start:%d/%H:%M}-{end:%d/%H:%M}"
            for start, end in spans]  # fmt: skip


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        (GOOGLE, ["02/12:00-13:00", "08/14:00-15:00", "22/09:00-10:00", "29/09:00-10:00"]),
        (APPLE, ["01/12:00-13:30", "03/00:00-05/00:00"]),
        (OUTLOOK, ["01/08:30-08:45", "02/03:00-04:00", "02/08:30-08:45", "03/08:30-08:45", "04/04:00-05:00"]),
    ],
    ids=["Google", "Apple", "Outlook"],
)
def test_calendars_as_programs_write_them(calendar: str, expected: list[str]) -> None:
    assert read(calendar) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("America/New_York", "03/00:00-04/00:00"), ("Asia/Kathmandu", "03/00:00-04/00:00"), ("UTC", "03/00:00-04/00:00")],
)
def test_a_day_is_the_affiliates_own_and_so_is_a_time_without_a_zone(zone: str, expected: str) -> None:
    assert read(vcalendar("UID:1\nDTSTART;VALUE=DATE:20260603"), zone) == [expected]
    assert read(vcalendar("UID:1\nDTSTART:20260603T100000\nDURATION:PT1H"), zone) == ["03/10:00-11:00"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("UID:1\nDTSTART:20260603T100000Z", []),  # lasts no time at all
        ("UID:1\nDTSTART:20260603T100000Z\nDTEND:20260603T100000Z", []),
        ("UID:1\nDTSTART:20260603T110000\nDTEND:20260603T100000", ["03/10:00-11:00"]),  # the wrong way round
        ("UID:1\nDTSTART:20260520T100000\nDTEND:20260603T100000", ["01/00:00-03/10:00"]),  # began before
        ("UID:1\nDTSTART:20260603T100000\nDURATION:PT1H\nSTATUS:CANCELLED", []),
        ("UID:1\nDTSTART:20260603T100000\nDURATION:PT1H\nTRANSP:transparent", []),
        ("UID:1\nDTSTART:20260603T100000\nDURATION:PT1H\nRDATE:20260604T100000,20260605T100000",
         ["03/10:00-11:00", "04/10:00-11:00", "05/10:00-11:00"]),
        ("UID:1\nDTSTART;VALUE=DATE:20260601\nRRULE:FREQ=DAILY;UNTIL=20260603\nEXDATE;VALUE=DATE:20260602",
         ["01/00:00-02/00:00", "03/00:00-04/00:00"]),
        ("UID:1\nDTSTART;TZID=Pacific Standard Time:20260603T100000\nDURATION:PT1H", ["03/13:00-14:00"]),
        ("UID:booking-5-31@mdh.example\nDTSTART:20260603T100000\nDURATION:PT1H", []),
        ("UID:booking-5-32@mdh.example\nDTSTART:20260603T100000\nDURATION:PT1H", ["03/10:00-11:00"]),
        ("UID:booking-5-31@mdhxexample\nDTSTART:20260603T100000\nDURATION:PT1H", ["03/10:00-11:00"]),
    ],
)  # fmt: skip
def test_single_events(event: str, expected: list[str]) -> None:
    assert read(vcalendar(event), ours=uids_of(31, "mdh.example")) == expected


def test_a_weekly_meeting_keeps_its_hour_when_the_clocks_change() -> None:
    weekly = "UID:1\nDTSTART;TZID=America/New_York:20261026T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY"
    asked = Asked(NEW_YORK, datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC), re.compile("none"))
    assert [start.hour for start, _ in busy(vcalendar(weekly), asked)] == [13, 14, 14]


def test_what_overlaps_or_touches_is_one() -> None:
    events = [meeting(JUNE + n * HOUR, JUNE + n * HOUR + HOUR, f"{n}@test") for n in (12, 10, 11, 14)]
    assert read(vcalendar(*events)) == ["01/10:00-13:00", "01/14:00-15:00"]


def test_several_calendars_in_one_file_all_count() -> None:
    first, second = (vcalendar(meeting(JUNE + n * HOUR, JUNE + (n + 1) * HOUR)) for n in (9, 12))
    assert read(first + second) == ["01/09:00-10:00", "01/12:00-13:00"]


GOOD = vcalendar("UID:1\nDTSTART:20260603T100000Z\nDURATION:PT1H")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<!doctype html><title>Sign in</title>", b"\xff\xfe\x00", b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", b"[]",
        GOOD[:-20], GOOD[: len(GOOD) // 2], GOOD + GOOD[:60], GOOD.replace(b"END:VEVENT\r\n", b""),
        GOOD.replace(b"DTSTART:20260603T100000Z\r\n", b""),
        GOOD.replace(b"20260603T100000Z", b"20260603T10"),
        GOOD.replace(b"20260603T100000Z", b"20261303T100000Z"),
        GOOD.replace(b"PT1H", b"an hour"),
        GOOD.replace(b"UID:1", b"UID:1\r\nRRULE:FREQ=SOMETIMES"),
        GOOD.replace(b"UID:1", b"UID:1\r\nRRULE:FREQ=DAILY;UNTIL=never"),
        GOOD.replace(b"VERSION:2.0", b"VERSION:2.0\r\nCALSCALE:LUNAR"),
    ],
)  # fmt: skip
def test_half_of_a_calendar_is_none(content: bytes) -> None:
    with pytest.raises(Refused, match="not_a_calendar"):
        read(content)


def test_an_empty_calendar_is_one() -> None:
    assert read(vcalendar()) == []


def test_more_than_is_kept_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ics, "MOST_BUSY", 50)
    spans = [(JUNE + timedelta(minutes=8 * n), JUNE + timedelta(minutes=8 * n + 4)) for n in range(51)]
    events = [meeting(*span, f"{n}@test") for n, span in enumerate(spans)]
    assert len(read(vcalendar(*events[:50]))) == 50
    with pytest.raises(Refused, match="too_much"):
        read(vcalendar(*events))


starts = st.integers(0, 80 * 24 * 4).map(lambda n: APRIL + timedelta(minutes=15 * n))
rules = st.builds(
    lambda freq, interval, count, days: (
        f"FREQ={freq};INTERVAL={interval};COUNT={count}"
        + (f";BYDAY={','.join(sorted(days))}" if days and freq == "WEEKLY" else "")
    ),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 5),
    st.integers(1, 40),
    st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])),
)


@given(
    rule=rules, start=starts, minutes=st.integers(1, 600), left_out=st.sets(st.integers(0, 20), max_size=5),
    zone=st.sampled_from(["America/New_York", "Europe/Paris", "UTC"]),
)  # fmt: skip
def test_recurrences_are_those_that_dateutil_makes(
    rule: str, start: datetime, minutes: int, left_out: set[int], zone: str
) -> None:
    """Times of the wall clock, so that changes of the clocks are the zone's business and not the rule's."""
    walls = sorted({start, *rrulestr(rule, dtstart=start)})  # the first time counts, whether or not the rule has it
    gone = {walls[n] for n in left_out if n < len(walls)}
    event = f"UID:1\nDTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}\nDURATION:PT{minutes}M\nRRULE:{rule}"
    event += "".join(f"\nEXDATE;TZID={zone}:{wall:%Y%m%dT%H%M%S}" for wall in sorted(gone))
    asked = Asked(ZoneInfo(zone), JUNE, JUNE + timedelta(days=40), re.compile("none"))
    expected: list[tuple[datetime, datetime]] = []
    for wall in walls:
        begins = max(wall.replace(tzinfo=asked.zone).astimezone(UTC), asked.first)
        ends = min(wall.replace(tzinfo=asked.zone).astimezone(UTC) + timedelta(minutes=minutes), asked.last)
        if wall not in gone and begins < ends:
            before = expected.pop() if expected and begins <= expected[-1][1] else (begins, ends)
            expected.append((before[0], max(before[1], ends)))
    assert busy(vcalendar(event), asked) == expected


def test_times_are_utc_and_cut_at_the_ends() -> None:
    asked = Asked(NEW_YORK, JUNE, JUNE + HOUR, re.compile("none"))
    assert busy(vcalendar(meeting(JUNE - HOUR, JUNE + 2 * HOUR)), asked) == [(JUNE, JUNE + HOUR)]
    assert at(JUNE) == "20260601T040000Z"
