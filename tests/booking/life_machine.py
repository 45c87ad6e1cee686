"""The whole life of bookings against a small model in plain Python: whatever happens, in whatever order, both agree.

Each rule does one thing to the service, over HTTP, by event or by its job, and the same to the model (life_model.py).
What comes with a new state is a row of ACTS; what comes with a new deed is a rule here and a method there.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy import text

from services.booking.jobs import expire_unpaid
from shared import clock
from shared.auth import Actor, Role
from shared.db import Database
from shared.ids import new_id
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import MONDAYS, PRICE, ZONE, Shop, approved, captured, next_monday, published_offer
from .life_model import ACTS, EXTRAS, LIVE, MOVES, Known, Model
from .quoting import problem

CUSTOMERS, STRANGER = (7, 8, 9), 99
STARTS = [(0, 9, 0), (0, 10, 0), (0, 14, 30), (1, 9, 0), (1, 11, 30)]  # week, hour, minute
PRICES = [PRICE, PRICE + 2_000, PRICE + 7_000, 5_000]  # the last is less than a late fee
VEHICLES = st.sampled_from([1, 1, 1, 2, 2, 3, 4])
MORE = st.sampled_from([(2_500, 0), (2_500, 30), (4_000, 30), (4_000, 120)])  # cents and minutes
ANSWERS = st.sampled_from(["extras/agree", "extras/drop", None])
EVERYBODY = ["customer", "owner", "technician", "admin", "support", "stranger"]
VERSIONS = st.sampled_from([None, 0, 1])
ROWS = text("""
    select id, status, version, crew_id, appointment_start, appointment_end, proposed_start, price_cents, paid_cents,
           refund_cents, coalesce(asked, '{}'),
           (select coalesce(sum((line ->> 'amount_cents')::int), 0) from jsonb_array_elements(extras) line),
           extra_minutes, told
      from bookings b left join lateral (
           select count(*) as told,
                  array_agg((payload ->> 'charge_cents')::int order by aggregate_version)
                  filter (where type = 'booking.charge_due.v1') as asked
             from business_events e where e.aggregate_type = 'booking' and e.aggregate_id = b.id) e on true
     where affiliate_id = :affiliate_id order by id""")
WAITS_UNTIL = text("update bookings set hold_expires_at = :until where id = :id")
A_WHILE = timedelta(minutes=2)
RUN_OUT = text("update bookings set hold_expires_at = now() - interval '1 s' where id = any(:ids)")
ONE_MORE = text("insert into crews (affiliate_id, name) values (:affiliate_id, 'Crew 2')")
CREW_IDS = text("select id from crews where affiliate_id = :affiliate_id order by id")


def moment(start: tuple[int, int, int]) -> datetime:
    week, hour, minute = start
    day = next_monday() + timedelta(weeks=week)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(ZONE))


def _waits_until(answer: httpx.Response) -> datetime:
    return datetime.fromisoformat(answer.json()["hold_expires_at"])


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
        self.affiliate, self.offers, self.model = self.stories, 0, Model(clock.now(), PRICE)
        self.model.crews = self.do(self._open())

    def do(self, what: Awaitable[Any]) -> Any:
        """At the model's time, in the loop of the test."""

        async def then() -> Any:
            with clock.frozen(self.model.at):
                return await what

        return asyncio.run_coroutine_threadsafe(then(), self.loop).result(60)

    async def _open(self) -> list[int]:
        await self.shop.deliver(approved(affiliate_id=self.affiliate))
        await self._offer()
        path = f"/booking/v1/affiliates/{self.affiliate}/availability"
        await self.shop.client.put(path, json=MONDAYS, headers=self.shop.as_(member(self.affiliate)))
        async with self.database.begin() as session:
            await session.execute(ONE_MORE, {"affiliate_id": self.affiliate})
            return list((await session.scalars(CREW_IDS, {"affiliate_id": self.affiliate})).all())

    async def _offer(self) -> None:
        self.offers += 1
        offer = published_offer(self.offers, price_cents=self.model.price, tier_id=self.affiliate)
        ids = {"affiliate_id": self.affiliate, "service_id": self.affiliate}
        await self.shop.deliver(offer.model_copy(update=ids))

    @initialize(target=bookings, first=st.booleans(), start=st.sampled_from(STARTS), vehicles=VEHICLES)
    def begins(self, first: bool, start: tuple[int, int, int], vehicles: int) -> Any:
        """With somebody who comes, so that there is something to act upon."""
        self.asks_first(first)
        return self.take(CUSTOMERS[0], start, vehicles)

    @rule(first=st.booleans())
    def asks_first(self, first: bool) -> None:
        """Whether the affiliate wants to say yes first; what was asked or taken before stays what it is."""
        self.model.asks_first = first
        path = f"/booking/v1/affiliates/{self.affiliate}/schedule-settings"
        headers = self.shop.as_(member(self.affiliate))
        self.do(self.shop.client.put(path, json={"request_to_book": first}, headers=headers))

    @rule(price=st.sampled_from(PRICES))
    def price_changes(self, price: int) -> None:
        self.model.price = price
        self.do(self._offer())

    @rule(target=bookings, by=st.sampled_from(CUSTOMERS), start=st.sampled_from(STARTS), vehicles=VEHICLES)
    def take(self, by: int, start: tuple[int, int, int], vehicles: int) -> Any:
        return self._take(by, moment(start), vehicles)

    @rule(target=bookings, by=st.sampled_from(CUSTOMERS), other=bookings, vehicles=VEHICLES)
    def take_the_time_of(self, by: int, other: Known, vehicles: int) -> Any:
        """Somebody else's, or one's own again; it may be free by now."""
        return self._take(by, other.start, vehicles)

    def _take(self, number: int, start: datetime, vehicles: int) -> Any:
        if self._is_too_soon(start):
            return multiple()
        by = self._person(number)
        more: list[dict[str, Any]] = [{}] * (vehicles - 1)
        book = self.shop.book(start.isoformat(), customer(by), tier_id=self.affiliate, more_vehicles=more)
        answer = self.do(book)
        assert problem(answer) == self.model.takes(by, start, vehicles), answer.text
        if answer.status_code != 201:
            return multiple()
        booking = self.model.took(answer.json(), start, vehicles)
        assert abs(_waits_until(answer) - min(clock.now() + self.model.wait, start)) < A_WHILE
        self._keep(booking)
        return booking

    def _is_too_soon(self, start: datetime) -> bool:
        return start <= self.model.at + timedelta(hours=1)

    def _person(self, number: int) -> int:
        """Another in each story: whoever holds something here holds nothing there."""
        return self.affiliate * 100 + number

    def _keep(self, booking: Known) -> None:
        """Until the model's time: the database counted from its own."""

        async def keep() -> None:
            async with self.database.begin() as session:
                await session.execute(WAITS_UNTIL, {"id": booking.id, "until": booking.waits_until})

        self.do(keep())

    @rule(booking=bookings, verb=st.sampled_from(sorted(ACTS)), by=st.sampled_from(EVERYBODY), version=VERSIONS)
    def act(self, booking: Known, verb: str, by: str, version: int | None) -> None:
        answer = self._post(booking, verb, by, version, {})
        code = self.model.act(booking, verb, by, version)
        assert answer.status_code == code, answer.text
        if (verb, code) == ("accept", 200):
            assert _waits_until(answer) == booking.waits_until

    def _post(self, booking: Known, verb: str, by: str, version: int | None, body: dict[str, Any]) -> Any:
        headers = self.shop.as_(self._actor(booking, by))
        headers |= {} if version is None else {"If-Match": f'"{booking.version + version}"'}
        return self.do(self.shop.client.post(f"/booking/v1/bookings/{booking.id}/{verb}", json=body, headers=headers))

    def _actor(self, booking: Known, by: str) -> Actor:
        owner, technician = member(self.affiliate), member(self.affiliate, Role.TECHNICIAN, user_id=501)
        own, other = customer(booking.told["customer_id"]), customer(self._person(STRANGER))
        staff = {"admin": ADMIN, "support": SUPPORT}
        return {"customer": own, "stranger": other, "owner": owner, "technician": technician, **staff}[by]

    @rule(booking=bookings, verb=st.sampled_from(sorted(ACTS)), which=st.integers(0, 2))
    def do_as_one_may(self, booking: Known, verb: str, which: int) -> None:
        """So that more is done than refused; whether it is the time for it is left open."""
        may = sorted(ACTS[verb].by)
        self.act(booking, verb, may[which % len(may)], None)

    @rule(booking=bookings, verb=st.sampled_from(sorted(ACTS)))
    def settle_and_do_in_its_time(self, booking: Known, verb: str) -> None:
        """The way that most bookings go."""
        self._settle(booking)
        if (hours := ACTS[verb].after_start) is not None:
            self.its_time_comes(booking, hours)
        self.act(booking, verb, sorted(ACTS[verb].by)[-1], None)

    def _settle(self, booking: Known) -> None:
        if booking.status == "requested":
            self.act(booking, "accept", "owner", None)
        if booking.status == "held":
            self.pay(booking, 1, same=True)

    @rule(
        booking=bookings, verb=st.sampled_from(sorted(MOVES)), by=st.sampled_from(EVERYBODY), version=VERSIONS,
        start=st.sampled_from(STARTS),
    )  # fmt: skip
    def move(self, booking: Known, verb: str, by: str, version: int | None, start: tuple[int, int, int]) -> None:
        self._move(booking, verb, by, version, moment(start))

    @rule(booking=bookings, other=bookings)
    def move_to_the_time_of(self, booking: Known, other: Known) -> None:
        self._move(booking, "reschedule", "customer", None, other.start)

    @rule(booking=bookings, start=st.sampled_from(STARTS))
    def take_what_is_proposed(self, booking: Known, start: tuple[int, int, int]) -> None:
        """The affiliate asks, the customer agrees: also when they could not move it by themselves any more."""
        self._settle(booking)
        self._move(booking, "propose", "owner", None, moment(start))
        if booking.proposed:
            self._move(booking, "reschedule", "customer", None, booking.proposed)

    @rule(
        booking=bookings, paid=st.lists(st.integers(0, 3), max_size=4),
        to=st.lists(st.tuples(st.sampled_from(STARTS), st.sampled_from(PRICES)), min_size=1, max_size=4),
    )  # fmt: skip
    def move_about(self, booking: Known, to: list[tuple[tuple[int, int, int], int]], paid: list[int]) -> None:
        """To dearer and cheaper times and back; what is asked for is paid after all that, or some of it, or not."""
        self._settle(booking)
        for start, price in to:
            self.price_changes(price)
            self._move(booking, "reschedule", "customer", None, moment(start))
        for which in paid:
            self.pay_more(booking, 1, which)

    def _move(self, booking: Known, verb: str, by: str, version: int | None, start: datetime) -> None:
        if self._is_too_soon(start):
            return
        answer = self._post(booking, verb, by, version, {"starts_at": start.isoformat()})
        code, name = self.model.move(booking, verb, by, start, version)
        assert (answer.status_code, problem(answer)[1] if name else "") == (code, name), answer.text

    @rule(
        booking=bookings, verb=st.sampled_from(sorted(EXTRAS)), by=st.sampled_from(EVERYBODY), version=VERSIONS,
        told=MORE,
    )  # fmt: skip
    def at_the_door(self, booking: Known, verb: str, by: str, version: int | None, told: tuple[int, int]) -> None:
        """Offered, agreed to by somebody who may have seen other ones, or dropped; by whoever may, or may not."""
        bodies: dict[str, dict[str, Any]] = {
            "extras": {"lines": [{"label": "Pet hair", "amount_cents": told[0]}], "minutes": told[1]},
            "extras/agree": {"price_cents": booking.price + told[0]},
            "extras/drop": {},
        }
        answer = self._post(booking, verb, by, version, bodies[verb])
        code, name = self.model.extras(booking, verb, by, version, told)
        assert (answer.status_code, problem(answer)[1] if name else "") == (code, name), answer.text

    @rule(
        booking=bookings, told=MORE, wrong=st.sampled_from([0, 1_500, -1_500]), answer=ANSWERS,
        end=st.sampled_from([None, *sorted(ACTS)]), paid=st.booleans(), next_by=st.sampled_from([None, *CUSTOMERS]),
    )  # fmt: skip
    def do_more_at_the_door(
        self, booking: Known, told: tuple[int, int], wrong: int, answer: str | None, end: str | None,
        paid: bool, next_by: int | None,
    ) -> None:  # fmt: skip
        """What is agreed to is paid after it ends, or not; some saw others, or say nothing. Somebody may be next."""
        self._settle(booking)
        if next_by:
            self._take(next_by, booking.end + timedelta(minutes=30), 1)
        self.its_time_comes(booking, -1)
        self.at_the_door(booking, "extras", "technician", None, told)
        if answer:
            self.at_the_door(booking, answer, "customer", None, (told[0] + wrong, 0))
            self.at_the_door(booking, answer, "customer", None, told)
        if end:
            self.act(booking, end, sorted(ACTS[end].by)[-1], None)
        if paid:
            self.pay_more(booking, 1, -1)

    @rule(booking=bookings, told=MORE, price=st.sampled_from(PRICES))
    def move_what_was_added_to(self, booking: Known, told: tuple[int, int], price: int) -> None:
        """Where the affiliate proposes, and from there once more: at what was agreed."""
        self.do_more_at_the_door(booking, told, 0, "extras/agree", None, False, None)
        self.take_what_is_proposed(booking, STARTS[-1])
        self.price_changes(price)
        self._move(booking, "reschedule", "customer", None, moment(STARTS[-2]))

    @rule(booking=bookings, times=st.integers(1, 2), same=st.booleans())
    def pay(self, booking: Known, times: int, same: bool) -> None:
        """In time, late, again; the same message twice, or two messages of the same. Nobody asks for the money of a
        request."""
        if not booking.was_held:
            return
        paid, message = captured(booking.told, booking.told["price_cents"]), new_id()
        for _ in range(times):
            self.do(self.shop.deliver(paid, message if same else new_id()))
            self.model.pay(booking)

    @rule(booking=bookings, times=st.integers(1, 2), which=st.integers(0, 3))
    def pay_more(self, booking: Known, times: int, which: int) -> None:
        """What was asked for on top: in any order, late, twice, also when it is not wanted any more."""
        if not booking.charges:
            return
        charge = booking.charges[which % len(booking.charges)]
        paid = captured(booking.told, charge.cents, payment_id=charge.payment_id, purpose="extra")
        for _ in range(times):
            self.do(self.shop.deliver(paid))
            self.model.pay_more(booking, charge)

    @rule()
    def job_runs(self) -> None:
        async def run() -> None:
            async with self.database.begin() as session:
                await expire_unpaid(session)

        self.do(run())
        self.model.run_out()

    @rule(minutes=st.sampled_from([5, 11, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self._be(self.model.at + timedelta(minutes=minutes))

    @rule(booking=bookings, hours=st.sampled_from([-24, -23, -11, -0.5, 0, 0.25, 1, 2, 25, 27]))
    def its_time_comes(self, booking: Known, hours: float) -> None:
        self._be(booking.start + timedelta(hours=hours))

    def _be(self, at: datetime) -> None:
        """Time goes one way. The database's own clock decides about holds: it is told that theirs are over."""
        self.model.at = max(self.model.at, at)

        async def run_out() -> None:
            lapsed = [booking.id for booking in self.model.known if booking.lapsed(self.model.at)]
            async with self.database.begin() as session:
                await session.execute(RUN_OUT, {"ids": lapsed})

        self.do(run_out())

    @invariant()
    def the_service_is_as_the_model(self) -> None:
        """Every booking; and each version of it is told, once."""

        async def look() -> list[tuple[Any, ...]]:
            async with self.database.begin() as session:
                return [tuple(row) for row in await session.execute(ROWS, {"affiliate_id": self.affiliate})]

        assert self.do(look()) == [(*booking.row, booking.version) for booking in self.model.known]

    @invariant()
    def no_crew_is_in_two_places(self) -> None:
        live = [booking for booking in self.model.known if booking.status in LIVE]
        met = [(a, b) for a in live for b in live if a is not b and a.is_in_the_way(b.crew, b.start, b.length)]
        assert met == []

    @invariant()
    def nobody_has_paid_more_than_it_costs(self) -> None:
        for booking in self.model.known:
            assert booking.paid - booking.refund <= booking.price
