"""Reads one calendar and says when it is busy. A program of its own, run by `clients.py` once per file.

What it reads comes from anybody: it has little time, little memory, no files to write, no environment and no network to
know of, and it is killed when it takes longer. It knows nothing of the service, so that it starts quickly.

In: a line of JSON (`Asked`), then the calendar. Out: JSON, `{"busy": [[start, end], ...]}` or `{"refused": word}`.
"""

import json
import os
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component

CPU_SECONDS, MEMORY = 6, 512 * 1024 * 1024
MOST_BUSY = 5_000  # ranges of one calendar, once those that touch are one
AROUND = timedelta(days=2)  # days and local times are looked for this much earlier and later, then cut
TIMED = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "RECURRENCE-ID"}

Range = tuple[datetime, datetime]


class Refused(Exception):
    """`not_a_calendar`, or `too_much`: more ranges than we keep."""


@dataclass(frozen=True)
class Asked:
    """`zone` is where days begin and times without a zone are meant; `ours` are UIDs of what we have told ourselves."""

    zone: ZoneInfo
    first: datetime
    last: datetime
    ours: re.Pattern[str]

    @classmethod
    def read(cls, line: bytes) -> Self:
        told = json.loads(line)
        first, last = (datetime.fromisoformat(told[name]) for name in ("first", "last"))
        return cls(ZoneInfo(told["zone"]), first, last, re.compile(told["ours"]))


def busy(content: bytes, asked: Asked) -> list[Range]:
    """When the calendar is busy between `first` and `last`: in UTC, in order, apart from each other."""
    try:
        ranges = sorted(span for calendar in _calendars(content) for span in _ranges(calendar, asked))
        found = list(_joined(ranges))
    except (Refused, MemoryError):
        raise
    except Exception as error:  # whatever is wrong with it: half of a calendar would free what the other half keeps
        raise Refused("not_a_calendar") from error
    if len(found) > MOST_BUSY:
        raise Refused("too_much")
    return found


def _calendars(content: bytes) -> list[Calendar]:
    """All that begin also end: the library takes what is cut off for something that is not there."""
    text = content.decode("utf-8-sig")
    calendars = Calendar.from_ical(text, multiple=True)
    events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    for name, found in (("VCALENDAR", calendars), ("VEVENT", events)):
        for end in ("BEGIN", "END"):
            if len(re.findall(rf"^{end}:{name}\s*$", text, re.MULTILINE | re.IGNORECASE)) != len(found):
                raise Refused("not_a_calendar")
    if not calendars or any("DTSTART" not in event or TIMED & {name for name, _ in event.errors} for event in events):
        raise Refused("not_a_calendar")
    return calendars


def _ranges(calendar: Calendar, asked: Asked) -> Iterator[Range]:
    query = recurring_ical_events.of(calendar)
    for event in query.between(asked.first - AROUND, asked.last + AROUND):
        if _keeps_busy(event, asked):
            start, end = sorted(_instant(event[name].dt, asked.zone) for name in ("DTSTART", "DTEND"))
            start, end = max(start, asked.first), min(end, asked.last)
            if start < end:
                yield start, end


def _keeps_busy(event: Component, asked: Asked) -> bool:
    free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT" or str(event.get("STATUS", "")).upper() == "CANCELLED"
    return not free and not asked.ours.fullmatch(str(event.get("UID", "")))


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    """A day begins at its local midnight; a time without a zone is local."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _joined(ranges: Iterable[Range]) -> Iterator[Range]:
    """Ranges in order; those that overlap or touch become one."""
    current: Range | None = None
    for start, end in ranges:
        if current and start <= current[1]:
            current = current[0], max(current[1], end)
            continue
        if current:
            yield current
        current = start, end
    if current:
        yield current


def main() -> None:
    os.nice(10)
    for limit, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    asked = Asked.read(sys.stdin.buffer.readline())
    answer: dict[str, Any]
    try:
        found = busy(sys.stdin.buffer.read(), asked)
        answer = {"busy": [[moment.isoformat() for moment in span] for span in found]}
    except Refused as refused:
        answer = {"refused": str(refused)}
    except MemoryError:
        answer = {"refused": "too_much"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
