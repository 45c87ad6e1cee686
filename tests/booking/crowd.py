"""A crowd: many customers at random at the crews of several affiliates, and the teams that answer them.

They come in waves. Those of one wave want times of one day that are the same, overlap, touch or lie in each other, near
by and far away, for one vehicle or several, by the price list, by quotes or by asking, while holds of just that day run
out, are paid, paid late, moved, cancelled, begun, made longer at the door (door.py), done or missed. What everybody was
told is for the witness to judge P1 by.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.booking.jobs import expire_unpaid
from services.booking.queries.history import all_not_as_told
from shared.auth import Actor
from shared.contracts.catalog import OfferPublished, Tier
from shared.db import Database
from shared.testing.tokens import customer, member

from .conftest import ZONE, Shop, approved, captured, next_monday
from .door import DOOR_RULES, Door
from .quoting import Desk, Json, priced, problem, wanted
from .witness import CLOSED, OPEN, ZIPS, Job, Refusal, Span, Witness, job_of

T = TypeVar("T")
MINUTES = (60, 120, 240)
PRICES = (9_000, 9_000, 12_000, 6_500)
VEHICLES = (1, 1, 1, 1, 2, 2, 3, 4)
HOLD, PAID_WITHIN = 10 * 60, 24 * 3600  # seconds
SHIFTS = (0, 0, 0, -60, -30, 30, 60, 90, 150, 270, 7)  # minutes; the last is off the grid
EVERY_DAY = {"windows": [{"weekday": day, "opens": "08:00", "closes": "18:00"} for day in range(7)]}
NO, OFF_GRID = "slot-taken", "slot-not-offered"
# Busy: on a slow machine somebody waits for a lock longer than they may. Never because of a deadlock.
BY_RULE = {
    "busy", NO, OFF_GRID, "too-many-holds", "too-late-to-cancel", "already-accepted", "quote-has-expired",
    "already-answered", "too-late-to-reschedule", *DOOR_RULES,
}  # fmt: skip
MORE_CREWS = text(
    "insert into crews (affiliate_id, name) select :affiliate_id, 'Crew ' || n from generate_series(2, :n) n"
)
CREWS = text("select affiliate_id, id from crews where active")
RUN_OUT = text(
    "update bookings set hold_expires_at = clock_timestamp() + :ms * interval '1 ms'"
    " where id = :id and status = 'held' returning hold_expires_at, version"
)
DEADLOCKS = text("select deadlocks from pg_stat_database where datname = current_database()")
IS_NOW = text("""
    select status, version, crew_id, appointment_start, appointment_end, zip, price_cents
      from bookings where id = :id""")
# What was agreed to at the door is in the price, and was asked for on top: once, and to the cent.
EXTRAS_NOT_ASKED_FOR = text("""
    select count(*) from bookings b
     where price_cents <> (select sum((line ->> 'amount_cents')::int) from jsonb_array_elements(lines) line)
        or (select coalesce(sum((line ->> 'amount_cents')::int), 0) from jsonb_array_elements(lines) line
             where line ->> 'kind' = 'add_on')
        <> (select coalesce(sum((payload ->> 'charge_cents')::int), 0) from business_events
             where aggregate_type = 'booking' and aggregate_id = b.id and payload ->> 'charge_for' = 'extras')""")
PAID_TOO_MUCH = text("select count(*) from bookings where paid_cents - refund_cents > price_cents")
Act = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Crowd:
    """`crews` says how many each affiliate has; `days`, on how many days all of it happens: few, so that they meet.
    Every third affiliate wants to say yes first."""

    shop: Shop
    database: Database
    crews: list[int]
    days: int
    seed: int = 1
    in_flight: int = 20
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.random, self.desk, self.people = random.Random(self.seed), Desk(self.shop), 10_000
        self.witness, self.offers, self.door = Witness(), Counter[int](), Door(self)
        self.quotes: dict[int, list[Json]] = defaultdict(list)
        self.requests: dict[int, list[Json]] = defaultdict(list)
        self.prices: dict[int, int] = {}  # of a booking, when it was made
        self.due: list[tuple[Json, int, int]] = []
        self.agreed: dict[int, list[Span]] = defaultdict(list)
        self.longer = set[int]()  # bookings for which extras were agreed to, perhaps

    async def arrange(self) -> None:
        for affiliate, n in enumerate(self.crews, 1):
            await self.shop.deliver(approved(3, affiliate_id=affiliate, service_radius_m=60_000))
            await self._offer(affiliate)
            path, by = f"/booking/v1/affiliates/{affiliate}", self.shop.as_(member(affiliate))
            await self.shop.client.put(f"{path}/availability", json=EVERY_DAY, headers=by)
            settings = {"request_to_book": affiliate % 3 == 0}
            await self.shop.client.put(f"{path}/schedule-settings", json=settings, headers=by)
            async with self.database.begin() as session:
                await session.execute(MORE_CREWS, {"affiliate_id": affiliate, "n": n})

    async def _offer(self, affiliate: int) -> None:
        """At another price than before, perhaps: whoever moves then pays that."""
        self.offers[affiliate] += 1
        version, price = self.offers[affiliate], self.random.choice(PRICES)
        tiers = [_tier(affiliate, minutes, version, price) for minutes in MINUTES]
        offer = OfferPublished(
            service_id=affiliate, version=version, affiliate_id=affiliate, category="full", name="Full", active=True,
            tiers=tiers,
        )  # fmt: skip
        await _until_heard(lambda: self.shop.deliver(offer))

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
            here = [s for s in self.witness.spans[-500:] if s.booking["affiliate_id"] == affiliate]
            if here and self.random.random() < 0.7:
                span = self.random.choice(here)
                start = span.job.start
                acts = (self.pay, self.pay, self._cancel, self._run_out, self._run_out, self._move)
                yield partial(self.random.choice((*acts, self.door.goes_on)), span)
            if (agreed := [s for s in self.agreed[affiliate][-20:] if s.stands]) and self.random.random() < 0.5:
                span = self.random.choice(agreed)
                start = span.job.end
                yield partial(self.door.offers_more, span)
            for _ in range(self.random.randint(2, 8)):
                at = start + timedelta(minutes=self.random.choice(SHIFTS))
                yield partial(self._take, affiliate, self.random.choice(MINUTES), at)
            if here and self.random.random() < 0.3:
                yield partial(self.random.choice((self.pay, self._move, self._propose)), self.random.choice(here))
            for _ in range(min(len(self.requests[affiliate]), self.random.randint(0, 4))):
                yield partial(self._answer, affiliate)
            yield from (act for act in self._beside(affiliate) if self.random.random() < 0.2)

    def _beside(self, affiliate: int) -> Iterator[Act]:
        yield self._job
        yield self._pay_more
        yield partial(self._offer, affiliate)
        yield partial(self._ask, affiliate)
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
        zip = quote["zip"] if quote else self.random.choice(ZIPS)
        vehicles = 1
        if quote:
            minutes, takes = quote["duration_minutes"], self.desk.accept(quote, start.isoformat())
        else:
            vehicles = self.random.choice(VEHICLES)
            more: list[Json] = [{}] * (vehicles - 1)
            by, tier = customer(self._somebody()), _tier_id(affiliate, minutes)
            takes = self.shop.book(start.isoformat(), by, tier_id=tier, zip=zip, more_vehicles=more)
        job = Job(start, start + timedelta(minutes=minutes * vehicles), zip)
        told = await self._wants(affiliate, job, takes, kept_for=HOLD)
        if told:
            self.prices[told["id"]] = told["price_cents"]
            self.done["several"] += vehicles > 1
            if not quote and [line["kind"] for line in told["lines"]] != ["service"] * vehicles:
                self.wrong.append(f"{told['lines']} for {vehicles} vehicles")

    async def _wants(
        self,
        affiliate: int,
        job: Job,
        request: Coroutine[Any, Any, httpx.Response],
        but: int | None = None,
        kept_for: int | None = None,
    ) -> Json | None:
        """A time for a job: as an answer or a refusal it is seen, and what cannot be is wrong at once. One that may
        have become longer meanwhile is only judged by what it is told to be. `kept_for`: unpaid, so many seconds."""
        asked = time.time()
        answer = await self.counted(request)
        code, name = problem(answer)
        told: Json = answer.json()
        if code < 300 and (self._is_another(told, job) or _runs_out_wrongly(told, asked, kept_for)):
            self.wrong.append(f"{told} for {job}")
        if but not in self.longer and ((name == OFF_GRID and job.is_offered) or (code < 300 and not job.is_offered)):
            self.wrong.append(f"{code} {name} for {job}")
        if but not in self.longer and name == NO and job.is_offered:
            self.witness.refusals.append(Refusal(affiliate, job, asked, time.time(), but))
        if code >= 300:
            return None
        if told["status"] == "requested":
            self.requests[affiliate].append(told)
        else:
            self.sees(told, asked)
        return told

    def _is_another(self, told: Json, job: Job) -> bool:
        """Than what was asked for."""
        is_job = job_of(told)
        return is_job.start != job.start or (is_job != job and told["id"] not in self.longer)

    def sees(self, told: Json, asked: float) -> None:
        span = Span(told, asked, time.time())
        if told["status"] == "held":
            runs_out = datetime.fromisoformat(told["hold_expires_at"]).timestamp()
            span.ends(runs_out - 1, runs_out + 1)
        self.witness.sees_end(span.id, span.version, asked, time.time())
        self.witness.sees(span)

    async def counted(self, request: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
        self.sent += 1
        answer = await request
        self.answers[problem(answer)] += 1
        return answer

    async def act(self, booking: Json, verb: str, by: Actor, version: int | None = None, **body: Any) -> httpx.Response:
        path, headers = f"/booking/v1/bookings/{booking['id']}/{verb}", self.shop.as_(by)
        headers |= {} if version is None else {"If-Match": f'"{version}"'}
        answer = await self.shop.client.post(path, json=body, headers=headers)
        self.done[verb] += answer.status_code == 200
        return answer

    async def _ask(self, affiliate: int) -> None:
        body = wanted(tier_ids=[_tier_id(affiliate, 120)], zip=self.random.choice(ZIPS))
        answer = await self.counted(self.desk.send("POST", "", customer(self._somebody()), body))
        if answer.status_code == 201:
            [quote] = answer.json()["quotes"]
            told = priced(duration_minutes=self.random.choice(MINUTES))
            answer = await self.counted(self.desk.act(quote, "price", body=told))
            self.quotes[affiliate].append(answer.json() | {"zip": body["zip"]})

    async def _answer(self, affiliate: int) -> None:
        """Mostly yes, to one of those who asked last; whoever gets no crew any more is told so."""
        asked = self.random.choice(self.requests[affiliate][-20:])
        verb = "accept" if self.random.random() < 0.8 else "decline"
        answers = self.act(asked, verb, member(affiliate))
        if verb == "decline":
            await self.counted(answers)
        else:
            await self._wants(affiliate, job_of(asked), answers, but=asked["id"], kept_for=PAID_WITHIN)

    async def _move(self, span: Span) -> None:
        start = span.job.start + timedelta(minutes=self.random.choice(SHIFTS), days=self.random.choice((0, 0, 1)))
        await self._take_instead(span, start)

    async def _propose(self, span: Span) -> None:
        """The affiliate asks for another time, and the customer goes there at once, perhaps in a moment too late."""
        await self.pay(span)
        start, booking = span.job.start + timedelta(minutes=self.random.choice(SHIFTS)), span.booking
        asks = self.act(booking, "propose", member(booking["affiliate_id"]), starts_at=start.isoformat())
        if (await self.counted(asks)).status_code == 200:
            await self._take_instead(span, start)

    async def _take_instead(self, span: Span, start: datetime) -> None:
        booking = span.booking
        moves = self.act(booking, "reschedule", customer(booking["customer_id"]), starts_at=start.isoformat())
        job = Job(start, start + (span.job.end - span.job.start), span.job.zip)
        told = await self._wants(booking["affiliate_id"], job, moves, but=span.id)
        missing = told["price_cents"] - told["paid_cents"] + told["refund_cents"] if told else 0
        if told and told["status"] == "confirmed" and missing > 0:
            self.owes(told, missing)

    def owes(self, booking: Json, cents: int) -> None:
        self.due.append((booking, cents, 10_000_000 + len(self.due)))

    async def _cancel(self, span: Span) -> None:
        await self.lets_go(span, self.act(span.booking, "cancel", customer(span.booking["customer_id"])))

    async def lets_go(self, span: Span, request: Coroutine[Any, Any, httpx.Response]) -> None:
        asked = time.time()
        answer = await self.counted(request)
        if answer.status_code == 200:
            self.witness.sees_end(span.id, answer.json()["version"], asked, time.time())

    async def pay(self, span: Span) -> None:
        """In time, late, or again; it may take the time anew. Where it was when that was asked, it may have been."""
        asked, booking = time.time(), span.booking
        money = captured(booking, self.prices[booking["id"]])
        await _until_heard(lambda: self.shop.deliver(money))
        found, at = await self.is_now(span), time.time()
        self.witness.sees(Span(booking, asked, since=at, until=at, latest=at))
        if found["status"] in ("confirmed", "en_route", "in_progress"):
            span = Span(found, asked, at)
            self.witness.sees(span)
            self.agreed[found["affiliate_id"]].append(span)

    async def is_now(self, span: Span) -> Json:
        async with self.database.read() as session:
            row = dict((await session.execute(IS_NOW, {"id": span.id})).mappings().one())
        times = {name: row.pop(name).isoformat() for name in ("appointment_start", "appointment_end")}
        return span.booking | row | times

    async def _pay_more(self) -> None:
        """What was missing after a move: also twice, also when it was called off meanwhile."""
        if self.due:
            booking, cents, payment_id = self.random.choice(self.due[-20:])
            more = captured(booking, cents, payment_id=payment_id, purpose="extra")
            await _until_heard(lambda: self.shop.deliver(more))
            self.done["paid more"] += 1

    async def _run_out(self, span: Span) -> None:
        """Now, or in a moment: while others already ask for its time."""
        asked = time.time()
        over = await _until_heard(partial(self._set_end, span.id, self.random.randint(0, 40)))
        if over is not None:
            self.witness.sees_end(span.id, over.version + 1, asked, max(time.time(), over.hold_expires_at.timestamp()))

    async def _set_end(self, booking_id: int, ms: int) -> Any:
        async with self.database.begin() as session:
            return (await session.execute(RUN_OUT, {"id": booking_id, "ms": ms})).one_or_none()

    async def _job(self) -> None:
        async with self.database.begin() as session:
            await expire_unpaid(session)

    async def refused_for_nothing(self) -> list[Refusal]:
        async with self.database.read() as session:
            crews = [(affiliate, crew) for affiliate, crew in await session.execute(CREWS)]
        return list(self.witness.refused_for_nothing(crews))

    async def not_as_told(self) -> list[str]:
        """What its events do not say (but of when holds run out, which was changed here), and bookings of which more
        was kept than they cost, or whose extras were not asked for."""
        async with self.database.read() as session:
            found = [str(one) async for one in all_not_as_told(session) if "hold_expires_at" not in one.what]
            dear, given = await session.scalar(PAID_TOO_MUCH), await session.scalar(EXTRAS_NOT_ASKED_FOR)
        found += [f"{dear} were paid more than they cost"] if dear else []
        return found + ([f"of {given} the extras were not asked for"] if given else [])

    async def deadlocks(self) -> int:
        async with self.database.read() as session:
            return await session.scalar(DEADLOCKS) or 0

    def other_answers(self) -> set[tuple[int, str]]:
        return {(code, name) for code, name in self.answers if code >= 300 and name not in BY_RULE}


async def _until_heard(tell: Callable[[], Awaitable[T]]) -> T:
    """As the broker does with what could not be handled: on a slow machine, for want of a lock."""
    while True:
        try:
            return await tell()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":
                raise


def _runs_out_wrongly(told: Json, asked: float, kept_for: int | None) -> bool:
    """A hold is kept so long, but never beyond the time that it is for."""
    if kept_for is None or told["status"] != "held":
        return False
    begins, runs_out = (
        datetime.fromisoformat(told[name]).timestamp() for name in ("appointment_start", "hold_expires_at")
    )
    first, last = (min(at + kept_for, begins) for at in (asked, time.time()))
    return not first - 1 <= runs_out <= last + 1


def _tier_id(affiliate: int, minutes: int) -> int:
    return affiliate * 1000 + minutes


def _tier(affiliate: int, minutes: int, version: int, price_cents: int) -> Tier:
    tier_id = _tier_id(affiliate, minutes)
    return Tier(
        tier_id=tier_id, version=version, name="Tier", price_cents=price_cents, duration_minutes=minutes, active=True
    )
