"""The whole life of bookings against a small model in plain Python: whatever happens, in whatever order, both agree.

The model is written from what the README says, and knows nothing of the code: a list of bookings and a clock. Each rule
does one thing to the service, over HTTP, by event or by its job, and the same to the model. What comes with a new state
is a row of STEPS; what comes with a new deed is a rule.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import text

from services.booking.jobs import expire_unpaid
from shared import clock
from shared.auth import Actor, Role
from shared.db import Database
from shared.ids import new_id
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import MONDAYS, PRICE, ZONE, Shop, approved, captured, next_monday, published_offer
from .quoting import problem

CUSTOMERS, STRANGER = (7, 8, 9), 99
CREWS, MOST_HOLDS = 2, 3
JOB, BUFFER, HOLD = timedelta(hours=2), timedelta(minutes=30), timedelta(minutes=10)
LIVE = {"held", "confirmed", "en_route", "in_progress"}
STARTS = [(0, 9, 0), (0, 10, 0), (0, 14, 30), (1, 9, 0), (1, 11, 30)]  # week, hour, minute
EVERYBODY = ["customer", "owner", "technician", "admin", "support", "stranger"]
ROWS = text(
    "select id, status, version, paid_cents, refund_cents, crew_id, version = (select count(*) from business_events e"
    " where e.aggregate_type = 'booking' and e.aggregate_id = b.id) as told from bookings b"
    " where affiliate_id = :affiliate_id order by id"
)
RUN_OUT = text("update bookings set hold_expires_at = now() - interval '1 s' where id = any(:ids)")
ONE_MORE = text("insert into crews (affiliate_id, name) values (:affiliate_id, 'Crew 2')")
CREW_IDS = text("select id from crews where affiliate_id = :affiliate_id order by id")


class Step(NamedTuple):
    """What somebody does to a booking: to which state, from which, who may, and when, in hours after the start and the
    end of the appointment; an administrator may cancel at any time."""

    to: str
    from_: set[str]
    by: set[str]
    after_start: float | None = None
    before_end: float | None = None


ACTS = {
    "cancel": Step("cancelled", LIVE, {"customer", "owner", "admin"}, before_end=0),
    "set-out": Step("en_route", {"confirmed"}, {"owner", "technician"}, after_start=-12, before_end=0),
    "start": Step("in_progress", {"confirmed", "en_route"}, {"owner", "technician"}, after_start=-1),
    "complete": Step(
        "completed", {"confirmed", "en_route", "in_progress"}, {"owner", "technician", "admin"}, after_start=-1
    ),
    "no-show": Step(
        "no_show", {"confirmed", "en_route"}, {"owner", "technician", "admin"}, after_start=0.25, before_end=24
    ),
}


@dataclass
class Known:
    """A booking as the model knows it."""

    told: dict[str, Any]
    crew: int
    start: datetime
    hold_ends: datetime
    status: str = "held"
    version: int = 1
    paid: int = 0
    refund: int = 0

    @property
    def end(self) -> datetime:
        return self.start + JOB

    @property
    def row(self) -> tuple[Any, ...]:
        return self.told["id"], self.status, self.version, self.paid, self.refund, self.crew, True

    def become(self, status: str) -> None:
        self.status, self.version = status, self.version + 1

    def keeps(self, crew: int, start: datetime, at: datetime) -> bool:
        """Whether the crew cannot begin another job then."""
        return self.status in LIVE and not self.is_lapsed(at) and self.is_in_the_way(crew, start)

    def is_lapsed(self, at: datetime) -> bool:
        return self.status == "held" and self.hold_ends <= at

    def is_in_the_way(self, crew: int, start: datetime) -> bool:
        return self.crew == crew and self.start < start + JOB + BUFFER and start < self.end + BUFFER

    def allows(self, step: Step, by: str, at: datetime) -> bool:
        if self.status not in step.from_:
            return False
        if step.to == "cancelled" and by == "admin":
            return True
        begins = step.after_start is None or at >= self.start + timedelta(hours=step.after_start)
        return begins and (step.before_end is None or at < self.end + timedelta(hours=step.before_end))


class Life(RuleBasedStateMachine):
    """One affiliate with two crews, open on Mondays; a new one for each story."""

    bookings = Bundle("bookings")
    shop: Shop
    database: Database
    loop: asyncio.AbstractEventLoop
    stories = 1000

    def __init__(self) -> None:
        super().__init__()
        type(self).stories += 1
        self.affiliate, self.at, self.known = self.stories, clock.now(), list[Known]()
        self.crews: list[int] = self.do(self._open())

    def do(self, what: Awaitable[Any]) -> Any:
        """At the model's time, in the loop of the test."""

        async def then() -> Any:
            with clock.frozen(self.at):
                return await what

        return asyncio.run_coroutine_threadsafe(then(), self.loop).result(60)

    async def _open(self) -> list[int]:
        offer = published_offer().model_copy(update={"affiliate_id": self.affiliate, "service_id": self.affiliate})
        tier = offer.tiers[0].model_copy(update={"tier_id": self.affiliate})
        await self.shop.deliver(approved(affiliate_id=self.affiliate))
        await self.shop.deliver(offer.model_copy(update={"tiers": [tier]}))
        path = f"/booking/v1/affiliates/{self.affiliate}/availability"
        await self.shop.client.put(path, json=MONDAYS, headers=self.shop.as_(member(self.affiliate)))
        async with self.database.begin() as session:
            await session.execute(ONE_MORE, {"affiliate_id": self.affiliate})
            return list((await session.scalars(CREW_IDS, {"affiliate_id": self.affiliate})).all())

    @rule(target=bookings, by=st.sampled_from(CUSTOMERS), start=st.sampled_from(STARTS))
    def take(self, by: int, start: tuple[int, int, int]) -> Any:
        week, hour, minute = start
        day = next_monday() + timedelta(weeks=week)
        return self._take(by, datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(ZONE)))

    @rule(target=bookings, by=st.sampled_from(CUSTOMERS), other=bookings)
    def take_the_time_of(self, by: int, other: Known) -> Any:
        """Somebody else's, or one's own again; it may be free by now."""
        return self._take(by, other.start)

    def _take(self, by: int, begins: datetime) -> Any:
        if begins <= self.at + timedelta(hours=1):
            return multiple()
        answer = self.do(self.shop.book(begins.isoformat(), customer(self._person(by)), tier_id=self.affiliate))
        mine = [b for b in self.known if b.told["customer_id"] == self._person(by) and b.status == "held"]
        if sum(not b.is_lapsed(self.at) for b in mine) >= MOST_HOLDS:
            assert problem(answer) == (409, "too-many-holds")
            return multiple()
        free = [crew for crew in self.crews if not any(b.keeps(crew, begins, self.at) for b in self.known)]
        if not free:
            assert problem(answer) == (409, "slot-taken")
            return multiple()
        assert answer.status_code == 201, answer.text
        self._let_go(free[0], begins)
        self.known.append(Known(answer.json(), free[0], begins, self.at + HOLD))
        return self.known[-1]

    def _person(self, number: int) -> int:
        """Another in each story: whoever holds something here holds nothing there."""
        return self.affiliate * 100 + number

    def _let_go(self, crew: int, start: datetime) -> None:
        for booking in self.known:
            if booking.is_lapsed(self.at) and booking.is_in_the_way(crew, start):
                booking.become("expired")

    @rule(
        booking=bookings,
        verb=st.sampled_from(sorted(ACTS)),
        by=st.sampled_from(EVERYBODY),
        version=st.sampled_from([None, 0, 1]),
    )
    def act(self, booking: Known, verb: str, by: str, version: int | None) -> None:
        """`version`: how far what the client saw is from what is."""
        step, path = ACTS[verb], f"/booking/v1/bookings/{booking.told['id']}/{verb}"
        headers = self.shop.as_(self._actor(booking, by))
        headers |= {} if version is None else {"If-Match": f'"{booking.version + version}"'}
        code = self.do(self.shop.client.post(path, json={}, headers=headers)).status_code
        if by == "stranger":
            assert code == 404
        elif version:
            assert code == 412
        elif by not in step.by:
            assert code == 403
        elif not booking.allows(step, by, self.at):
            assert code == 409
        else:
            assert code == 200
            self._acted(booking, step.to, by)

    @rule(booking=bookings, verb=st.sampled_from(sorted(ACTS)), which=st.integers(0, 2))
    def do_as_one_may(self, booking: Known, verb: str, which: int) -> None:
        """So that more is done than refused; whether it is the time for it is left open."""
        may = sorted(ACTS[verb].by)
        self.act(booking, verb, may[which % len(may)], None)

    @rule(booking=bookings, verb=st.sampled_from(sorted(ACTS)))
    def pay_and_do_in_its_time(self, booking: Known, verb: str) -> None:
        """The way that most bookings go."""
        if booking.status == "held":
            self.pay(booking, 1, same=True)
        if (hours := ACTS[verb].after_start) is not None:
            self.its_time_comes(booking, hours)
        self.act(booking, verb, sorted(ACTS[verb].by)[-1], None)

    def _actor(self, booking: Known, by: str) -> Actor:
        owner, technician = member(self.affiliate), member(self.affiliate, Role.TECHNICIAN, user_id=501)
        own, other = customer(booking.told["customer_id"]), customer(self._person(STRANGER))
        staff = {"admin": ADMIN, "support": SUPPORT}
        return {"customer": own, "stranger": other, "owner": owner, "technician": technician, **staff}[by]

    def _acted(self, booking: Known, to: str, by: str) -> None:
        late = by == "customer" and self.at > datetime.fromisoformat(booking.told["free_until"])
        fee = {"cancelled": booking.told["late_fee_cents"] * late, "no_show": booking.told["no_show_fee_cents"]}
        if to in fee:
            booking.refund = max(booking.paid - fee[to], 0)
        booking.become(to)

    @rule(booking=bookings, times=st.integers(1, 2), same=st.booleans())
    def pay(self, booking: Known, times: int, same: bool) -> None:
        """In time, late, again; the same message twice, or two messages of the same."""
        paid, message = captured(booking.told), new_id()
        for _ in range(times):
            self.do(self.shop.deliver(paid, message if same else new_id()))
        for _ in range(times):
            self._paid(booking)

    def _paid(self, booking: Known) -> None:
        """What came twice finds it paid."""
        ahead = self.at < booking.start
        others = [other for other in self.known if other is not booking]
        taken = any(other.keeps(booking.crew, booking.start, self.at) for other in others)
        if booking.status == "held" or booking.status == "expired":
            booking.paid = PRICE
            if ahead and (booking.status == "held" or not taken):
                if booking.status == "expired":
                    self._let_go(booking.crew, booking.start)
                booking.become("confirmed")
            else:
                booking.refund = PRICE
                booking.become("cancelled")
        elif booking.status == "cancelled" and not booking.paid:
            booking.paid = booking.refund = PRICE
            booking.version += 1

    @rule()
    def job_runs(self) -> None:
        async def run() -> None:
            async with self.database.begin() as session:
                await expire_unpaid(session)

        self.do(run())
        for booking in self.known:
            if booking.is_lapsed(self.at):
                booking.become("expired")

    @rule(minutes=st.sampled_from([5, 11, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self._be(self.at + timedelta(minutes=minutes))

    @rule(booking=bookings, hours=st.sampled_from([-24, -23, -11, -0.5, 0, 0.25, 1, 2, 25, 27]))
    def its_time_comes(self, booking: Known, hours: float) -> None:
        self._be(booking.start + timedelta(hours=hours))

    def _be(self, at: datetime) -> None:
        """Time goes one way. The database's own clock decides about holds: it is told that theirs are over."""
        self.at = max(self.at, at)

        async def run_out() -> None:
            async with self.database.begin() as session:
                await session.execute(RUN_OUT, {"ids": [b.told["id"] for b in self.known if b.is_lapsed(self.at)]})

        self.do(run_out())

    @invariant()
    def the_service_is_as_the_model(self) -> None:
        """Every booking; and each version of it is told, once."""

        async def look() -> list[tuple[Any, ...]]:
            async with self.database.begin() as session:
                return [tuple(row) for row in await session.execute(ROWS, {"affiliate_id": self.affiliate})]

        assert self.do(look()) == [booking.row for booking in self.known]

    @invariant()
    def no_crew_is_in_two_places(self) -> None:
        live = [booking for booking in self.known if booking.status in LIVE]
        met = [(a, b) for a in live for b in live if a is not b and a.is_in_the_way(b.crew, b.start)]
        assert met == []
