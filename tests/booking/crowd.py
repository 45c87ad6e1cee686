"""A crowd: many customers at random at the crews of several affiliates, and what they were told, to judge P1 by.

They come in waves. Those of one wave want times of one day that are the same, overlap, touch or lie in each other, by
the price list or by quotes, while holds of just that day run out, are paid, paid late, or cancelled.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import combinations
from math import inf
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.booking.jobs import expire_unpaid
from shared.contracts.catalog import OfferPublished, Tier
from shared.db import Database
from shared.testing.tokens import customer, member

from .conftest import ZONE, Shop, approved, captured, next_monday
from .quoting import Desk, Json, priced, problem, wanted

T = TypeVar("T")
MINUTES = (60, 120, 240)
SHIFTS = (0, 0, 0, -60, -30, 30, 60, 90, 150, 270, 7)  # minutes; the last is off the grid
BUFFER = timedelta(minutes=30)
OPEN, CLOSED = 8, 18  # hours; a little before and after is asked for too
EVERY_DAY = {"windows": [{"weekday": day, "opens": "08:00", "closes": "18:00"} for day in range(7)]}
NO, OFF_GRID = "slot-taken", "slot-not-offered"
# Busy: on a slow machine somebody waits for a lock longer than they may. Never because of a deadlock.
BY_RULE = {"busy", NO, OFF_GRID, "too-many-holds", "too-late-to-cancel", "already-accepted", "quote-has-expired"}
MORE_CREWS = text(
    "insert into crews (affiliate_id, name) select :affiliate_id, 'Crew ' || n from generate_series(2, :n) n"
)
CREWS = text("select affiliate_id, id from crews where active")
RUN_OUT = text(
    "update bookings set hold_expires_at = clock_timestamp() + :ms * interval '1 ms'"
    " where id = :id and status = 'held' returning hold_expires_at"
)
DEADLOCKS = text("select deadlocks from pg_stat_database where datname = current_database()")
STATUS = text("select status from bookings where id = :id")
Act = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Span:
    """That a crew is taken: for sure from `since` to `until`, and at no time before `earliest` or after `latest`."""

    booking: Json
    earliest: float
    since: float
    until: float = inf
    latest: float = inf

    @cached_property
    def during(self) -> tuple[datetime, datetime]:
        start, end = (datetime.fromisoformat(self.booking[f"appointment_{which}"]) for which in ("start", "end"))
        return start, end + BUFFER

    def ends(self, first: float, last: float) -> None:
        self.until, self.latest = min(self.until, first), min(self.latest, last)


@dataclass(frozen=True)
class Refusal:
    affiliate: int
    during: tuple[datetime, datetime]
    asked: float
    answered: float


@dataclass
class Crowd:
    """`crews` says how many each affiliate has; `days`, on how many days all of it happens: few, so that they meet."""

    shop: Shop
    database: Database
    crews: list[int]
    days: int
    seed: int = 1
    in_flight: int = 20
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    spans: list[Span] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.random, self.desk, self.people = random.Random(self.seed), Desk(self.shop), 10_000
        self.quotes: dict[int, list[Json]] = defaultdict(list)

    async def arrange(self) -> None:
        for affiliate, n in enumerate(self.crews, 1):
            offer = OfferPublished(
                service_id=affiliate, version=1, affiliate_id=affiliate, category="full", name="Full", active=True,
                tiers=[_tier(affiliate, minutes) for minutes in MINUTES],
            )  # fmt: skip
            for event in (approved(affiliate_id=affiliate), offer):
                await self.shop.deliver(event)
            path = f"/booking/v1/affiliates/{affiliate}/availability"
            await self.shop.client.put(path, json=EVERY_DAY, headers=self.shop.as_(member(affiliate)))
            async with self.database.begin() as session:
                await session.execute(MORE_CREWS, {"affiliate_id": affiliate, "n": n})

    async def comes(self, requests: int) -> None:
        """At least so many requests, always `in_flight` of them at once."""
        waves = self._waves()

        async def worker() -> None:
            while self.sent < requests:
                await next(waves)()

        await asyncio.gather(*(worker() for _ in range(self.in_flight)))

    def _waves(self) -> Iterator[Act]:
        """One after the other, each of some things that happen at one affiliate on one day."""
        while True:
            affiliate, start = self.random.randint(1, len(self.crews)), self._start()
            here = [s for s in self.spans[-500:] if s.booking["affiliate_id"] == affiliate]
            if here and self.random.random() < 0.7:
                span = self.random.choice(here)
                start = span.during[0]
                yield partial(self.random.choice((self._pay, self._cancel, self._run_out, self._run_out)), span)
            for _ in range(self.random.randint(2, 8)):
                at = start + timedelta(minutes=self.random.choice(SHIFTS))
                yield partial(self._take, affiliate, self.random.choice(MINUTES), at)
            if here and self.random.random() < 0.2:
                yield partial(self._pay, here[0])
            if self.random.random() < 0.2:
                yield self._job
            if self.random.random() < 0.4:
                yield partial(self._ask, affiliate)

    def _start(self) -> datetime:
        at = next_monday() + timedelta(days=self.random.randrange(self.days))
        hour, minute = self.random.randint(OPEN, CLOSED), self.random.choice((0, 30))
        return datetime(at.year, at.month, at.day, hour, minute, tzinfo=ZoneInfo(ZONE))

    def _somebody(self) -> int:
        """Mostly somebody new; now and then one of a few, who soon hold as much as they may."""
        self.people += 1
        return self.random.randint(1, 20) if self.random.random() < 0.1 else self.people

    async def _take(self, affiliate: int, minutes: int, start: datetime) -> None:
        """By a quote, if there is one."""
        quote = self.quotes[affiliate].pop() if self.quotes[affiliate] else None
        if quote:
            minutes, takes = quote["duration_minutes"], self.desk.accept(quote, start.isoformat())
        else:
            by, tier = customer(self._somebody()), _tier_id(affiliate, minutes)
            takes = self.shop.book(start.isoformat(), by, tier_id=tier)
        asked = time.time()
        code, name = problem(answer := await self._counted(takes))
        during = (start, start + timedelta(minutes=minutes) + BUFFER)
        if code == 201:
            span = Span(answer.json(), asked, time.time())
            runs_out = datetime.fromisoformat(span.booking["hold_expires_at"]).timestamp()
            span.ends(runs_out - 1, runs_out + 1)
            self.spans.append(span)
        elif name == NO:
            self.refusals.append(Refusal(affiliate, during, asked, time.time()))
        if (name == OFF_GRID and _offered(*during)) or (code == 201 and not _offered(*during)):
            self.wrong.append(f"{code} {name} for {start}, {minutes} minutes")

    async def _counted(self, request: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
        self.sent += 1
        answer = await request
        self.answers[problem(answer)] += 1
        return answer

    async def _ask(self, affiliate: int) -> None:
        body = wanted(tier_ids=[_tier_id(affiliate, 120)])
        answer = await self._counted(self.desk.send("POST", "", customer(self._somebody()), body))
        if answer.status_code == 201:
            [quote] = answer.json()["quotes"]
            told = priced(duration_minutes=self.random.choice(MINUTES))
            answer = await self._counted(self.desk.act(quote, "price", body=told))
            self.quotes[affiliate].append(answer.json())

    async def _cancel(self, span: Span) -> None:
        booking, asked = span.booking, time.time()
        path = f"/booking/v1/bookings/{booking['id']}/cancel"
        by = self.shop.as_(customer(booking["customer_id"]))
        if (await self._counted(self.shop.client.post(path, json={}, headers=by))).status_code == 200:
            for each in self._of(span):
                each.ends(asked, time.time())

    async def _pay(self, span: Span) -> None:
        """In time, late, or again; it may take the time anew."""
        asked = time.time()
        await _until_heard(lambda: self.shop.deliver(captured(span.booking, span.booking["price_cents"])))
        async with self.database.read() as session:
            confirmed = await session.scalar(STATUS, {"id": span.booking["id"]}) == "confirmed"
        at = time.time()
        self.spans.append(Span(span.booking, asked, at if confirmed else inf, latest=inf if confirmed else at))

    async def _run_out(self, span: Span) -> None:
        """Now, or in a moment: while others already ask for its time."""
        asked = time.time()
        over = await _until_heard(partial(self._set_end, span.booking["id"], self.random.randint(0, 40)))
        if over is not None:
            span.ends(asked, max(time.time(), over.timestamp()))

    async def _set_end(self, booking_id: int, ms: int) -> datetime | None:
        async with self.database.begin() as session:
            over: datetime | None = await session.scalar(RUN_OUT, {"id": booking_id, "ms": ms})
        return over

    async def _job(self) -> None:
        async with self.database.begin() as session:
            await expire_unpaid(session)

    def _of(self, span: Span) -> list[Span]:
        return [each for each in self.spans if each.booking["id"] == span.booking["id"]]

    def double_booked(self) -> list[tuple[int, int]]:
        """Pairs of bookings that for sure had one crew at one time; also if one of them is over by now."""
        by_day = defaultdict(list)
        for span in self.spans:
            by_day[span.booking["crew_id"], span.during[0].date()].append(span)
        pairs = (pair for spans in by_day.values() for pair in combinations(spans, 2))
        return [
            (a.booking["id"], b.booking["id"]) for a, b in pairs
            if a.booking["id"] != b.booking["id"] and _meet(a.during, b.during)
            and max(a.since, b.since) < min(a.until, b.until)
        ]  # fmt: skip

    async def refused_for_nothing(self) -> list[Refusal]:
        """Those that were told that the time is taken while at least one crew had nothing then: zero winners."""
        by_crew, crews = defaultdict(list), defaultdict(list)
        for span in self.spans:
            by_crew[span.booking["crew_id"]].append(span)
        async with self.database.read() as session:
            for affiliate, crew in (await session.execute(CREWS)).all():
                crews[affiliate].append(crew)
        return [r for r in self.refusals if not all(_kept(by_crew[crew], r) for crew in crews[r.affiliate])]

    async def deadlocks(self) -> int:
        async with self.database.read() as session:
            return await session.scalar(DEADLOCKS) or 0

    def other_answers(self) -> set[tuple[int, str]]:
        return {(code, name) for code, name in self.answers if code >= 300 and (code != 409 or name not in BY_RULE)}


async def _until_heard(tell: Callable[[], Awaitable[T]]) -> T:
    """As the broker does with what could not be handled: on a slow machine, for want of a lock."""
    while True:
        try:
            return await tell()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":
                raise


def _kept(spans: list[Span], refusal: Refusal) -> bool:
    return any(
        s.earliest <= refusal.answered and s.latest >= refusal.asked and _meet(s.during, refusal.during) for s in spans
    )


def _meet(a: tuple[datetime, datetime], b: tuple[datetime, datetime]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _offered(start: datetime, blocked_until: datetime) -> bool:
    start, end = (at.astimezone(ZoneInfo(ZONE)) for at in (start, blocked_until - BUFFER))
    day = start.replace(hour=0, minute=0)
    return start.minute in (0, 30) and day + timedelta(hours=OPEN) <= start and end <= day + timedelta(hours=CLOSED)


def _tier_id(affiliate: int, minutes: int) -> int:
    return affiliate * 1000 + minutes


def _tier(affiliate: int, minutes: int) -> Tier:
    tier_id = _tier_id(affiliate, minutes)
    return Tier(tier_id=tier_id, version=1, name="Tier", price_cents=9_000, duration_minutes=minutes, active=True)
