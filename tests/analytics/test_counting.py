"""Every event is kept once and counted once, whatever the order and however often it comes."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.analytics import commands
from services.analytics.domain import PERSONAL
from shared.contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingEvent,
    BookingExpired,
    BookingHeld,
)
from shared.contracts.payments import PaymentCaptured, PaymentRefunded
from shared.contracts.reviews import ReviewPosted
from shared.testing.plugin import Deliver

from ..notifications.conftest import verification
from .conftest import AFFILIATE, DAY, NOON, OTHER, Numbers, Tell, Told, booking, payment, registered

Statements = Callable[[], AbstractContextManager[list[str]]]

LIFE = [
    Told.of(booking(BookingHeld), NOON),
    Told.of(payment(PaymentCaptured), NOON + timedelta(minutes=1)),
    Told.of(booking(BookingConfirmed, version=2), NOON + timedelta(minutes=2)),
    Told.of(booking(BookingCancelled, version=3), NOON + timedelta(hours=13)),
    Told.of(payment(PaymentRefunded, version=3), NOON + timedelta(hours=13)),
]
ITS_NUMBERS = [
    ("bookings_cancelled", DAY + timedelta(days=1), {"affiliate_id": AFFILIATE}, 1),
    ("bookings_confirmed", DAY, {"affiliate_id": AFFILIATE}, 1),
    ("bookings_held", DAY, {"affiliate_id": AFFILIATE}, 1),
    ("commission_cents", DAY, {"affiliate_id": AFFILIATE, "currency": "USD"}, 2_835),
    ("refunds_cents", DAY + timedelta(days=1), {"affiliate_id": AFFILIATE, "currency": "USD"}, 900),
    ("revenue_cents", DAY, {"affiliate_id": AFFILIATE, "currency": "USD"}, 18_900),
]


@pytest.mark.parametrize(
    "order",
    [LIFE, LIFE + LIFE, LIFE[::-1], LIFE[::-1] + LIFE[2:], [e for e in LIFE for _ in range(3)]],
    ids=["once", "twice", "in reverse", "late again", "thrice each"],
)
async def test_a_life_comes_to_the_same_numbers(tell: Tell, numbers: Numbers, order: list[Told]) -> None:
    await tell(order)
    assert [row[:4] for row in await numbers()] == ITS_NUMBERS


async def test_what_the_inbox_forgot_is_still_not_counted_twice(
    tell: Tell, numbers: Numbers, session: AsyncSession
) -> None:
    await tell(LIFE)
    await session.execute(text("delete from inbox"))
    await tell(LIFE)
    assert [row[:4] for row in await numbers()] == ITS_NUMBERS


async def test_without_that_guard_it_would_be(
    tell: Tell, numbers: Numbers, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "STORE_AND_ADD", text(commands.STORE + commands.ADD.format(where="")))
    await tell(LIFE)
    await session.execute(text("delete from inbox"))
    await tell(LIFE)
    assert [row[3] for row in await numbers()] == [2 * number for *_, number in ITS_NUMBERS]


async def test_an_event_takes_two_statements_and_the_inbox_is_one_of_them(
    deliver: Deliver, statements: Statements
) -> None:
    for event in (payment(PaymentCaptured), booking(BookingHeld), registered()):
        with statements() as sent:
            await deliver(event)
        assert len(sent) == 2, sent


async def test_a_secret_that_was_mailed_is_not_kept(deliver: Deliver, session: AsyncSession) -> None:
    asked = verification()
    await deliver(asked)
    [[kept]] = (await session.execute(text("select analytics_events::text from analytics_events"))).all()
    assert asked.type in kept
    assert asked.secret not in kept
    assert asked.email not in kept


async def test_an_event_is_kept_without_what_is_personal_in_it(deliver: Deliver, session: AsyncSession) -> None:
    for event in (registered(), booking(BookingCancelled)):
        await deliver(event, occurred_at=NOON)
    rows = (await session.execute(text("select * from analytics_events order by id"))).mappings().all()
    assert [(row["event_name"], row["user_id"], row["session_id"]) for row in rows] == [
        ("identity.user_registered.v1", 1007, "test"),
        ("booking.cancelled.v1", None, "test"),
    ]
    assert rows[0]["properties"] == {
        "user_id": 1007, "version": 1, "customer_id": 7, "locale": "en-US", "timezone": "America/New_York",
    }  # fmt: skip
    assert rows[1]["occurred_at"] == NOON
    assert not PERSONAL & set(rows[1]["properties"])
    assert not any(word in str(rows) for word in ("ada@", "Ada", "Main St", "555 0100"))


async def test_what_counts_for_nothing_is_kept_all_the_same(
    deliver: Deliver, numbers: Numbers, session: AsyncSession
) -> None:
    posted = ReviewPosted(review_id=1, version=1, booking_id=61, affiliate_id=31, customer_id=7, rating=5)
    await deliver(posted)
    assert await numbers() == []
    assert await session.scalar(text("select event_name from analytics_events")) == "reviews.review_posted.v1"


async def test_recorded_at_is_the_time_of_the_latest_fact(tell: Tell, numbers: Numbers) -> None:
    later, earlier = NOON + timedelta(hours=1), NOON - timedelta(hours=1)
    await tell(Told.of(booking(BookingHeld, n), at) for n, at in enumerate((NOON, later, earlier), 1))
    assert await numbers() == [("bookings_held", DAY, {"affiliate_id": AFFILIATE}, 3, later)]


# -- a random history --

KINDS: list[type[BookingEvent]] = [BookingHeld, BookingConfirmed, BookingCompleted, BookingCancelled, BookingExpired]


def some_event(choose: random.Random, number: int) -> Any:
    affiliate_id = choose.choice([AFFILIATE, OTHER])
    if choose.random() < 0.6:
        return booking(choose.choice(KINDS), number, affiliate_id=affiliate_id)
    kind = PaymentCaptured if choose.random() < 0.5 else PaymentRefunded
    amounts = {name: choose.randint(0, 50_000) for name in ("amount_cents", "commission_cents", "refund_cents")}
    return payment(kind, number, affiliate_id=affiliate_id, currency=choose.choice(["USD", "EUR"]), **amounts)


def history(seed: int, length: int = 150) -> list[Told]:
    """Five days of facts, each told up to three times, in no order."""
    choose = random.Random(seed)
    facts = [
        Told.of(some_event(choose, number), NOON + timedelta(minutes=choose.randint(0, 5 * 1440)))
        for number in range(length)
    ]
    told = [fact for fact in facts for _ in range(choose.randint(1, 3))]
    choose.shuffle(told)
    return told


def by_hand(told: list[Told]) -> dict[tuple[Any, ...], int]:
    """The same numbers, counted in another way."""
    sums: dict[tuple[Any, ...], int] = defaultdict(int)
    for fact in {one.event_id: one for one in told}.values():
        day, event = fact.at.date(), fact.event
        if isinstance(event, BookingEvent):
            word = event.type.split(".")[1]
            sums[f"bookings_{word}", day, event.affiliate_id, None] += 1
        if isinstance(event, PaymentCaptured):
            sums["revenue_cents", day, event.affiliate_id, event.currency] += event.amount_cents
            sums["commission_cents", day, event.affiliate_id, event.currency] += event.commission_cents
        if isinstance(event, PaymentRefunded):
            sums["refunds_cents", day, event.affiliate_id, event.currency] += event.refund_cents
    return dict(sums)


def keyed(rows: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], int]:
    return {(name, day, d["affiliate_id"], d.get("currency")): int(value) for name, day, d, value, _ in rows}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_rebuilt_numbers_are_the_live_ones_and_those_counted_by_hand(
    tell: Tell, numbers: Numbers, session: AsyncSession, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(commands, "BATCH", 40)
    told = history(seed)
    await tell(told)
    live = await numbers()
    assert keyed(live) == by_hand(told)
    await session.execute(text("update business_metrics set metric_value = metric_value + 1 where id % 3 = 0"))
    await session.execute(text("delete from business_metrics where id % 3 = 1"))
    assert await numbers() != live
    since, events = await commands.rebuild_metrics(session, kept_since=NOON - timedelta(days=400))
    assert await numbers() == live
    assert (since, events) == (min(one.at for one in told).date(), len({one.event_id for one in told}))


async def test_a_rebuild_leaves_days_alone_whose_events_are_gone(
    tell: Tell, numbers: Numbers, session: AsyncSession
) -> None:
    await tell(history(4))
    live = await numbers()
    cut = datetime(2026, 5, 7, tzinfo=NOON.tzinfo)
    await commands.forget_events(session, before=cut)
    assert await commands.rebuild_metrics(session, kept_since=NOON - timedelta(days=400)) == (
        date(2026, 5, 7),
        await session.scalar(text("select count(*) from analytics_events")),
    )
    assert await numbers() == live


async def test_a_rebuild_of_nothing_changes_nothing(numbers: Numbers, session: AsyncSession) -> None:
    assert await commands.rebuild_metrics(session, kept_since=NOON) == (None, 0)
    assert await numbers() == []


def test_the_random_history_has_everything_in_it() -> None:
    kinds = Counter(type(one.event) for seed in (1, 2, 3) for one in history(seed))
    assert set(kinds) == {*KINDS, PaymentCaptured, PaymentRefunded}
