"""What becomes of one booking, as its customer sees it: each thing done as soon as the system lets them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import stripe
from sqlalchemy import select, text

from services.payments.domain.payment import Payment
from shared.auth import Actor
from shared.clock import frozen
from shared.contracts.catalog import OfferPublished, Tier
from shared.terms import Deposit
from shared.testing.plugin import deliver_to, until
from shared.testing.tokens import customer, member
from tests.booking.conftest import PRICE, ZONE, Shop, approved, config, next_monday

from .stage import PATIENCE, Stage

# Affiliates by how they are paid, each with one tier of its number; the payee has an account to be paid to.
WHOLE, DEPOSIT, HELD, FAR, PAYEE = 31, 32, 33, 34, 35
WAYS = {WHOLE: "full", DEPOSIT: "deposit", HELD: "authorise", FAR: "authorise", PAYEE: "full"}
DAYS = {"windows": [{"weekday": day, "opens": "08:00", "closes": "20:00"} for day in range(7)]}
A_DAY, STEP = 8, timedelta(minutes=90)
# What is held on a card is held for a few days, so those visits are near and many at once; cancelling costs nothing.
# Where the card is saved first, they are far.
SOONEST, SOON, CREWS = {HELD: 2, PAYEE: 2, FAR: 14}, 4, 10
MORE_CREWS = text("insert into crews (affiliate_id, name) select :id, 'Crew ' || n from generate_series(2, :crews) n")
RUN_OUT = text("update bookings set hold_expires_at = now() - interval '1 second' where id = :id and status = 'held'")
PAID, GONE = ("confirmed", "completed"), ("cancelled", "expired")


@dataclass
class Street:
    """Where all of it happens: shops that are open all day; one crew each, but where the days are few."""

    stage: Stage
    shop: Shop
    numbers: "count[int]" = field(default_factory=count)

    async def open(self) -> None:
        await self.shop.deliver(
            config(payment_modes=[*dict.fromkeys(WAYS.values())], deposit=Deposit(deposit_bp=2_000))
        )
        for affiliate_id, mode in WAYS.items():
            tier = Tier(
                tier_id=affiliate_id, version=1, name="Gold", price_cents=PRICE, duration_minutes=60, active=True
            )
            offer = OfferPublished(
                service_id=affiliate_id, version=1, affiliate_id=affiliate_id, category="full", name="Full",
                active=True, tiers=[tier],
            )  # fmt: skip
            for event in (approved(affiliate_id=affiliate_id, payment_mode=mode), offer):
                await self.shop.deliver(event)
            path = f"/booking/v1/affiliates/{affiliate_id}/availability"
            answer = await self.stage.booking.put(path, json=DAYS, headers=self.shop.as_(member(affiliate_id)))
            assert answer.status_code == 200, answer.text
        async with self.stage.databases["booking"].begin() as session:
            for affiliate_id in SOONEST:
                await session.execute(MORE_CREWS, {"id": affiliate_id, "crews": CREWS})

    def story(self) -> "Story":
        """Another customer, at another time."""
        number = next(self.numbers)
        return Story(self.stage, self.shop, customer(100 + number), number)


async def street(stage: Stage) -> Street:
    def as_(actor: Actor) -> dict[str, str]:
        return {"Authorization": f"Bearer {stage.signer.token(actor)}"}

    made = Street(stage, Shop(stage.booking, as_, deliver_to("booking", stage.databases["booking"])))
    await made.open()
    return made


@dataclass
class Story:
    stage: Stage
    shop: Shop
    who: Actor
    number: int
    booking: dict[str, Any] = field(default_factory=dict)
    reads_mail: bool = False

    async def pays(self) -> None:
        await self.takes(WHOLE)
        await self.agrees()

    async def pays_unheard(self) -> None:
        """No webhook tells of it; whoever was quiet is asked about."""
        await self.takes(WHOLE)
        await until(self.intent, PATIENCE)
        await self.agrees(told=False)
        await self.stage.let_time_pass()

    async def cancels(self) -> None:
        """Paid, confirmed, and long before the day: all of it goes back."""
        await self.pays()
        await until(lambda: self.is_(*PAID), PATIENCE)
        await self.does("cancel", self.who)

    async def lets_it_run_out(self) -> None:
        await self.takes(WHOLE)
        await until(self.intent, PATIENCE)
        await self.runs_out()

    async def pays_in_that_second(self) -> None:
        """In which the hold runs out."""
        await self.takes(WHOLE)
        await until(self.intent, PATIENCE)
        await asyncio.gather(self.runs_out(), self.agrees())

    async def pays_late(self) -> None:
        """The hold is over before anybody hears that it was paid: who calls the payment off is told."""
        await self.takes(WHOLE)
        await self.agrees(told=False)
        await self.runs_out()

    async def completes(self) -> None:
        """A deposit, and the rest when the job is done."""
        await self.completes_at(DEPOSIT)

    async def is_held_for(self) -> None:
        """All of it is held on the card, and taken when the job is done."""
        await self.completes_at(HELD)

    async def lets_go(self) -> None:
        """What is held is let go, all of it."""
        await self.agrees_at(HELD)
        await self.does("cancel", self.who)

    async def completes_at(self, affiliate_id: int, card: str = "pm_card_visa") -> None:
        await self.agrees_at(affiliate_id, card)
        await self.is_done(affiliate_id)

    async def is_done(self, affiliate_id: int) -> None:
        with frozen(self.at):
            await self.does("complete", member(affiliate_id))

    async def agrees_at(self, affiliate_id: int, card: str = "pm_card_visa") -> None:
        await self.takes(affiliate_id)
        await self.agrees(card)
        await until(lambda: self.is_(*PAID), PATIENCE)

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.booking["appointment_start"])

    def _time(self, affiliate_id: int) -> datetime:
        """At each shop another for each story, as long as they last."""
        zone, days = ZoneInfo(ZONE), self.number // A_DAY
        few = SOONEST.get(affiliate_id)
        day = next_monday() + timedelta(days=days)
        if few is not None:
            day = datetime.now(zone).date() + timedelta(days=few + days % SOON)
        return datetime.combine(day, time(8), zone) + self.number % A_DAY * STEP

    async def takes(self, affiliate_id: int) -> None:
        answer = await self.shop.book(self._time(affiliate_id).isoformat(), self.who, tier_id=affiliate_id)
        assert answer.status_code == 201, answer.text
        self.booking = answer.json()

    async def does(self, what: str, by: Actor) -> None:
        path = f"/booking/v1/bookings/{self.booking['id']}/{what}"
        answer = await self.stage.booking.post(path, json={}, headers=self.shop.as_(by))
        assert answer.status_code == 200, answer.text

    async def runs_out(self) -> None:
        async with self.stage.databases["booking"].begin() as session:
            await session.execute(RUN_OUT, {"id": self.booking["id"]})

    async def agrees(self, card: str = "pm_card_visa", *, told: bool = True) -> None:
        """Once there is something to pay; a card that is too late is refused."""
        intent_id = await until(self.intent, PATIENCE)
        await self.stage.sandbox.control("PUT", "webhooks", hold=not told)
        try:
            await self.stage.sandbox.confirm(intent_id, card)
        except stripe.InvalidRequestError as refusal:
            if "canceled" not in str(refusal):
                raise

    async def intent(self) -> str | None:
        """Of what is to be paid first."""
        async with self.stage.databases["payments"].begin() as session:
            of = select(Payment.stripe_payment_intent_id).where(Payment.booking_id == self.booking["id"])
            return await session.scalar(of.order_by(Payment.id).limit(1))

    async def is_(self, *statuses: str) -> bool:
        return (await self.shop.look(self.booking))["status"] in statuses

    async def wrongs(self, charged: int, kept: int) -> list[str]:
        """Confirmed and paid for; or gone, nothing kept, and its time free: never both, never neither."""
        booking = await self.shop.look(self.booking)
        if booking["status"] in PAID:
            right = charged == kept == _due(booking)
        else:
            right = booking["status"] in GONE and kept == 0 and await self._is_free()
        return [] if right else [f"booking {booking['id']} is {booking['status']}: {charged} charged, {kept} kept"]

    async def _is_free(self) -> bool:
        day = self.at.astimezone(ZoneInfo(ZONE)).date()
        shown = (await self.shop.slots(day, day, tier_id=self.booking["tier_id"])).get(day.isoformat(), [])
        return self.at in [datetime.fromisoformat(start) for start in shown]


def _due(booking: dict[str, Any]) -> int:
    """What is to be taken by now."""
    price = int(booking["price_cents"])
    if booking["status"] == "completed":
        return price
    by_then: dict[str, int] = {"deposit": booking["deposit_cents"], "authorise": 0}
    return by_then.get(booking["payment_mode"], price)


Tale = Callable[[Story], Awaitable[None]]
