"""Random histories and random faults: whatever is planted in the provider's books is found, and where nothing is
planted nothing is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from services.payments.clients import Provider
from services.payments.commands import days, ledger
from services.payments.domain.discrepancy import Discrepancy, DiscrepancyStatus
from services.payments.domain.dispute import Dispute, DisputedSums, DisputeStatus
from services.payments.domain.ledger import Journal
from services.payments.domain.life import Status
from services.payments.domain.payment import Payment
from services.payments.domain.payout import Payout, PayoutStatus
from services.payments.domain.provider import Intent, ProviderDispute, ProviderEvent, ProviderRefund, ProviderReversal
from services.payments.domain.refund import Refund, RefundStatus
from shared.clock import frozen
from shared.db import Database
from shared.ids import new_id
from shared.tasks import Outside

from .conftest import Till
from .yesterday import found

OFTEN = settings(max_examples=12, deadline=None, derandomize=True, database=None)
NUMBERS = count(1)
FIRST = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FEE = 1_500
ENDS = {DisputeStatus.NEEDS_RESPONSE: "needs_response", DisputeStatus.LOST: "lost", DisputeStatus.WON: "won"}
Row = dict[str, Any]


# -- what happened --


@dataclass(frozen=True)
class Paid:
    cents: int
    commission: int
    refunds: Sequence[int]
    dispute: DisputeStatus | None
    minute: int


@dataclass(frozen=True)
class Left:
    cents: int
    back: int
    minute: int


@dataclass(frozen=True)
class Fault:
    kind: str
    which: int
    cents: int


MINUTES = st.integers(1, 23 * 60)


@st.composite
def payments(draw: st.DrawFn) -> Paid:
    cents = draw(st.integers(100, 100_000))
    refunds = draw(st.lists(st.integers(1, cents // 2), max_size=2))
    dispute = draw(st.none() | st.sampled_from(list(ENDS))) if sum(refunds) < cents else None
    return Paid(cents, draw(st.integers(0, cents)), refunds, dispute, draw(MINUTES))


@st.composite
def payouts(draw: st.DrawFn) -> Left:
    cents = draw(st.integers(1, 100_000))
    return Left(cents, draw(st.sampled_from([0, 0, cents]) | st.integers(0, cents)), draw(MINUTES))


KINDS = ("missing", "doubled", "another sum", "another currency", "late")
FAULTS = st.builds(
    Fault, st.sampled_from(KINDS), st.integers(0, 999), st.integers(-500, 500).filter(lambda cents: cents != 0)
)


# -- both sides of it --


@dataclass
class Books(Provider):
    """A provider that says what happened; its entries are all that is ever wrong, and it shows them once booked."""

    entries: list[tuple[Row, str]] = field(default_factory=list)  # and whose it is
    intents: dict[str, Intent] = field(default_factory=dict)
    refunds: dict[str, list[ProviderRefund]] = field(default_factory=dict)
    disputes: dict[str, ProviderDispute] = field(default_factory=dict)
    until: datetime = FIRST

    def book(self, about: str, type: str, source: str, cents: int, fee: int, at: datetime, **more: Any) -> None:
        row: Row = {"stripe_id": f"txn_{next(NUMBERS)}", "type": type, "source_id": source, "amount_cents": cents}
        row |= {"intent_id": None, "reference": None, "fee_cents": fee, "currency": "USD", "booked_at": at, **more}
        self.entries.append((row, about))

    def plant(self, fault: Fault) -> str:
        """Says whose entry it was."""
        place = fault.which % len(self.entries)
        row, about = self.entries[place]
        changed = {
            "missing": [],
            "doubled": [row, row | {"stripe_id": f"txn_{next(NUMBERS)}"}],
            "another sum": [row | {"amount_cents": row["amount_cents"] + fault.cents}],
            "another currency": [row | {"currency": "EUR"}],
            "late": [row | {"booked_at": row["booked_at"] + DAY}],
        }[fault.kind]
        self.entries[place : place + 1] = [(one, about) for one in changed]
        return about

    def _shown(self) -> list[Row]:
        return [row for row, _ in self.entries if row["booked_at"] < self.until]

    async def entries_between(self, start: datetime, end: datetime, after: str | None) -> list[Row]:
        return [] if after else [row for row in self._shown() if start <= row["booked_at"] < end]

    async def entries_of(self, source: str) -> list[Row]:
        return [row for row in self._shown() if row["source_id"] == source]

    async def events_between(self, *_: Any) -> list[ProviderEvent]:
        return []

    async def get_intent(self, intent_id: str) -> Intent:
        return self.intents[intent_id]

    async def refunds_of(self, intent_id: str) -> list[ProviderRefund]:
        return self.refunds[intent_id]

    async def get_dispute(self, dispute_id: str) -> ProviderDispute:
        return self.disputes[dispute_id]

    async def reversals_of(self, transfer_id: str) -> list[ProviderReversal]:
        return []


@dataclass
class World:
    database: Database
    books: Books
    day: datetime

    async def happens(self, one: Paid | Left) -> None:
        with frozen(self.day + timedelta(minutes=one.minute)):
            await (self._paid(one) if isinstance(one, Paid) else self._left(one))

    async def _paid(self, one: Paid) -> None:
        number = next(NUMBERS)
        at, intent_id, charge = self.day + timedelta(minutes=one.minute), f"pi_{number}", f"ch_{number}"
        payment = Payment(
            booking_id=number, customer_id=7, affiliate_id=31, amount_cents=one.cents, currency="USD", tax_cents=0,
            commission_cents=one.commission, cause=f"booking:{number}", status=Status.CAPTURED,
            captured_cents=one.cents, captured_at=at, stripe_payment_intent_id=intent_id,
            payment_method={"charge": charge}, refunds_due_cents=sum(one.refunds), refunded_cents=sum(one.refunds),
            **Payment.intended(),
        )  # fmt: skip
        if sum(one.refunds) == one.cents:
            payment.status = Status.REFUNDED
        async with self.database.begin() as session:
            session.add(payment)
            await session.flush()
            about, ours = f"payment:{payment.id}", {"intent_id": intent_id, "reference": payment.reference}
            self.books.book(about, "charge", charge, one.cents, one.cents // 30 + 30, at, **ours)
            self.books.intents[intent_id] = Intent(
                intent_id, "succeeded", one.cents, "USD", "s", payment.reference, {"charge": charge}, None
            )
            self.books.refunds[intent_id] = []
            for cents in one.refunds:
                back = Refund(
                    payment_id=payment.id, amount_cents=cents, reason="r", cause=f"c:{next(NUMBERS)}",
                    status=RefundStatus.SUCCEEDED, stripe_refund_id=f"re_{next(NUMBERS)}", **Refund.intended(),
                )  # fmt: skip
                session.add(back)
                told = ProviderRefund(str(back.stripe_refund_id), "succeeded", cents, back.reference)
                self.books.refunds[intent_id].append(told)
                self.books.book(about, "refund", told.id, -cents, 0, at, **ours | {"reference": back.reference})
            if one.dispute:
                self._disputed(session, payment, one.dispute, at)
            await session.flush()
            await ledger.post(session, payment)

    def _disputed(self, session: Any, payment: Payment, end: DisputeStatus, at: datetime) -> None:
        cents, won = payment.captured_cents - payment.refunded_cents, end is DisputeStatus.WON
        told = ProviderDispute(
            f"dp_{next(NUMBERS)}", payment.stripe_payment_intent_id, cents, "USD", "general", ENDS[end], None,
            0 if won else cents, 0 if won else FEE, at,
        )  # fmt: skip
        dispute = Dispute.about(payment, told)
        session.add(dispute)
        payment.count_disputes(DisputedSums.of([dispute]))
        self.books.disputes[told.id] = told
        about, ours = f"payment:{payment.id}", {"intent_id": payment.stripe_payment_intent_id}
        for sign in (-1, 1)[: 1 + won]:
            self.books.book(about, "adjustment", told.id, sign * cents, -sign * FEE, at, **ours)

    async def _left(self, one: Left) -> None:
        at, transfer = self.day + timedelta(minutes=one.minute), f"tr_{next(NUMBERS)}"
        status = PayoutStatus.REVERSED if one.back == one.cents else PayoutStatus.PAID
        payout = Payout(
            affiliate_id=31, currency="USD", amount_cents=one.cents, stripe_account_id="acct_1", status=status,
            stripe_transfer_id=transfer, paid_at=at, reversed_cents=one.back, **Payout.intended(),
        )  # fmt: skip
        async with self.database.begin() as session:
            session.add(payout)
            await session.flush()
            session.add(Journal.of_payout(payout))
            about, ours = f"payout:{payout.id}", {"reference": payout.reference}
        self.books.book(about, "transfer", transfer, -one.cents, 0, at, **ours)
        if one.back:
            self.books.book(about, "transfer_refund", transfer, one.back, 0, at, reference=new_id())


class Stories:
    """Told one after the other, each on days of its own."""

    def __init__(self, till: Till, loop: asyncio.AbstractEventLoop) -> None:
        self.till, self.loop, self.told = till, loop, count()

    def tell(self, history: Sequence[Paid | Left], fault: Fault | None) -> None:
        asyncio.run_coroutine_threadsafe(self._tell(history, fault), self.loop).result(60)

    async def _tell(self, history: Sequence[Paid | Left], fault: Fault | None) -> None:
        day = FIRST + 4 * DAY * next(self.told)
        world = World(self.till.database, Books(), day)
        for one in history:
            await world.happens(one)
        about = world.books.plant(fault) if fault else None
        wrong = {about} if about else set()
        for _ in range(2):
            assert await self._compared(world, day) == wrong, (history, fault)
        after = set() if fault and fault.kind == "late" else wrong
        assert await self._compared(world, day + DAY) == after, (history, fault)
        async with self.till.database.begin() as session:
            await session.execute(delete(Discrepancy))

    async def _compared(self, world: World, day: datetime) -> set[str]:
        """What differs by the next morning."""
        world.books.until = day + DAY
        outside, self.till.outside = self.till.outside, Outside(self.till.database, (world.books,))
        try:
            with frozen(datetime.combine(day + DAY, time(4), UTC)):
                async with self.till.database.begin() as session:
                    await days.begin(session, day.date())
                await self.till.work()
        finally:
            self.till.outside = outside
        return {one.about for one in await found(self.till) if one.status is not DiscrepancyStatus.RESOLVED}


HISTORIES = st.lists(payments() | payouts(), min_size=1, max_size=4)


# A dispute that was won: what comes back hides what was withdrawn, and so does a sum over two currencies.
WON: list[Paid | Left] = [Paid(5_000, 500, [], DisputeStatus.WON, 60)]
BACK: list[Paid | Left] = [Left(5_000, 2_000, 60)]
LAST = -1  # of their entries: the money that came back


async def test_every_planted_fault_is_found_and_nothing_else_is(till: Till) -> None:
    stories = Stories(till, asyncio.get_running_loop())
    tell = given(HISTORIES, FAULTS)(stories.tell)
    for history, kind in ((WON, "doubled"), (WON, "another currency"), (WON, "late"), (BACK, "another currency")):
        tell = example(history, Fault(kind, LAST, 7))(tell)
    await asyncio.to_thread(OFTEN(tell))


async def test_honest_books_raise_no_alarm(till: Till) -> None:
    stories = Stories(till, asyncio.get_running_loop())
    await asyncio.to_thread(OFTEN(given(HISTORIES, st.none())(stories.tell)))
