"""What a series is after whatever is done to it: rules alone, no database."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.booking.domain.life import Status
from services.booking.domain.series import PausedBy, Series, SeriesStatus
from services.booking.domain.visits import Latest
from services.booking.schemas.series import planned
from shared.errors import Refusal
from shared.vehicles import Condition, SizeClass

MONDAY = date(2026, 3, 2)
AT = datetime(2026, 2, 20, tzinfo=UTC)


def series(every_weeks: int = 2, last_on: date | None = None, zone: str = "America/New_York") -> Series:
    told: dict[str, Any] = dict.fromkeys(("customer_id", "affiliate_id", "service_id", "tier_id", "price_cents"), 1)
    told |= dict.fromkeys(("service_name", "tier_name", "address", "zip", "currency"), "x")
    return Series(
        **told, every_weeks=every_weeks, first_on=MONDAY, last_on=last_on, minute=540, timezone=zone,
        size_class=SizeClass.SUV, condition=Condition.NORMAL, add_on_ids=[], active_since=AT, next_on=MONDAY, due_at=AT,
    )  # fmt: skip


DAYS = st.integers(-30, 400).map(lambda days: MONDAY + timedelta(days=days))
STEPS = st.one_of(
    st.just(("pass_on",)),
    st.just(("pause",)),
    st.just(("resume",)),
    st.tuples(st.just("end"), DAYS),
    st.tuples(st.just("time"), st.integers(1, 60)),
)


@example(1, MONDAY, [("pass_on",), ("pause",), ("resume",), ("pass_on",)])
@given(st.integers(1, 12), st.none() | DAYS.filter(lambda day: day >= MONDAY), st.lists(STEPS, max_size=25))
def test_whatever_is_done_its_next_day_is_one_of_its_days_and_none_comes_twice(
    every: int, last_on: date | None, steps: list[tuple[Any, ...]]
) -> None:
    one, at, seen_to = series(every, last_on), AT, list[date]()
    for name, *more in steps:
        before = one.next_on
        if name == "time":
            at += timedelta(days=more[0])
        elif name == "pass_on" and one.next_on is not None and one.status is SeriesStatus.ACTIVE:
            seen_to.append(one.next_on)
            one.pass_on(at)
        elif name == "end" and one.status is not SeriesStatus.ENDED:
            one.end_before(more[0], "customer", "", at)
        elif name in ("pause", "resume") and one.status is not SeriesStatus.ENDED:
            try:
                one.pause(PausedBy.CUSTOMER) if name == "pause" else one.resume(at)
            except Refusal:
                assert (one.status is SeriesStatus.PAUSED) == (name == "pause")
        _must_make_sense(one, at)
        assert before is None or one.next_on is None or one.next_on >= before
    assert seen_to == sorted(set(seen_to))
    assert not {day.on_date for day in planned(one, set())} & set(seen_to)


def _must_make_sense(one: Series, at: datetime) -> None:
    """The CHECKs of its table, and that its next day is seen to in time."""
    assert (one.status is SeriesStatus.PAUSED) == (one.paused_by is not None)
    assert (one.status is SeriesStatus.ENDED) == (one.ended_by is not None)
    if one.next_on is not None:
        assert one.rhythm.has(one.next_on)
        assert one.status is not SeriesStatus.ENDED
        day = datetime.combine(one.next_on, datetime.min.time(), UTC)
        assert one.due_at <= max(at, day + timedelta(days=2))


@pytest.mark.parametrize(
    ("last_on", "from_day", "status", "last"),
    [
        (None, MONDAY, "ended", date(2026, 3, 1)),
        (None, MONDAY + timedelta(days=1), "active", MONDAY),
        (None, date(2026, 5, 1), "active", date(2026, 4, 30)),
        (date(2026, 4, 1), date(2026, 5, 1), "active", date(2026, 4, 1)),
        (date(2026, 4, 1), date(2026, 4, 1), "active", date(2026, 3, 31)),
        (date(2026, 4, 1), date(2020, 1, 1), "ended", date(2019, 12, 31)),
    ],
)
def test_from_a_day_on_there_are_no_visits(last_on: date | None, from_day: date, status: str, last: date) -> None:
    one = series(last_on=last_on)
    one.end_before(from_day, "affiliate", "", AT)
    assert (one.status, one.last_on, one.version) == (status, last, 2)


@pytest.mark.parametrize(
    ("status", "lapsed", "waits", "unpaid"),
    [
        ("held", False, True, False),
        ("held", True, False, True),
        ("expired", False, False, True),
        ("requested", False, True, False),
        ("requested", True, False, False),  # nobody answered: not its customer's fault
        ("confirmed", False, False, False),
        ("cancelled", False, False, False),
        ("declined", False, False, False),
    ],
)
def test_what_a_visit_is_to_the_next(status: Any, lapsed: bool, waits: bool, unpaid: bool) -> None:
    latest = Latest(Status(status), lapsed, 100)
    assert (latest.waits, latest.was_not_paid) == (waits, unpaid)
