"""Held on a card and taken when the job is done, or let go; a part now and the rest then. Through the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import httpx
import pytest_asyncio

from deploy.local.demo import affiliates, customers, outside
from deploy.local.demo.http import until
from deploy.local.demo.people import JSON, Person

from ..running import PATIENCE, PRICE, ZIP, RunningSystem, Shop

SOON = timedelta(minutes=59)  # a job can be completed from an hour before it begins
LATER = timedelta(days=2)  # early enough to cancel for free, and near enough for a hold
DEPOSIT = 1_180  # 20 % of the price


@dataclass
class Studio:
    """A shop whose way to be paid changes, and somebody who books there."""

    system: RunningSystem
    shop: Shop
    admin: Person
    customer: Person

    @property
    def path(self) -> str:
        return f"/catalog/v1/affiliates/{self.shop.affiliate['id']}"

    async def choose(self, mode: str) -> None:
        await self.shop.owner.ask("PATCH", self.path, json={"payment_mode": mode})

    async def booked(self, mode: str, *, after: timedelta = customers.MARGIN, before: timedelta | None = None) -> JSON:
        """Once booking has heard how it is to be paid: what was booked before that is called off."""

        async def taken() -> JSON | None:
            slot = await customers.first_slot(self.customer, self.shop.tier["id"], after=after)
            if slot is None or (before and slot - datetime.now(UTC) >= before):
                return None
            wanted = customers.booking_request(self.shop.tier, slot, ZIP)
            booking: JSON = (await customers.take(self.customer, wanted, token_hex(16))).json()
            if booking["payment_mode"] == mode:
                return booking
            await customers.cancel(self.customer, booking, "Not like this.")
            return None

        return await until(f"a booking paid by {mode}", taken, PATIENCE)

    async def agreed(self, booking: JSON) -> str:
        """With a card; the intent's name, once the booking is confirmed."""
        payment = await until("payment", lambda: customers.payment_of(self.customer, booking["id"]), PATIENCE)
        await customers.pay(self.customer, self.system.site.stripe, payment)
        await until("confirmed", lambda: customers.booking(self.customer, booking["id"], "confirmed"), PATIENCE)
        return customers.intent_of(payment)

    async def payments(self, booking: JSON) -> list[tuple[str, str, int]]:
        found = await self.customer.get(f"/payments/v1/bookings/{booking['id']}/payments")
        return sorted((one["purpose"], one["status"], one["amount_cents"]) for one in found["items"])

    async def until_payments(self, booking: JSON, *wanted: tuple[str, str, int]) -> None:
        async def as_wanted() -> bool | None:
            return await self.payments(booking) == sorted(wanted) or None

        await until(f"payments {wanted}", as_wanted, PATIENCE)

    async def moved(self, intent: str) -> JSON:
        return await outside.ledger(self.customer.http, self.system.site.stripe, intent)


@asynccontextmanager
async def all_ways(admin: Person) -> AsyncIterator[None]:
    """Offered by the platform for as long as this lasts."""
    before = await admin.get(affiliates.CONFIG)
    ways = {"payment_modes": ["full", "deposit", "authorise"], "deposit": {"deposit_bp": 2_000}}
    await admin.ask("PATCH", affiliates.CONFIG, json=ways)
    try:
        yield
    finally:
        await admin.ask("PATCH", affiliates.CONFIG, json={name: before[name] for name in ways})


@pytest_asyncio.fixture(scope="module")
async def studio(system: RunningSystem, http: httpx.AsyncClient) -> AsyncIterator[Studio]:
    shop, admin = await system.shop(http), await system.admin(http)
    crews = f"/booking/v1/affiliates/{shop.affiliate['id']}/crews"
    await admin.post(crews, {"name": "Second"})
    async with all_ways(admin):
        studio = Studio(system, shop, admin, await system.person(http, "customer"))
        yield studio
        await studio.choose("full")


async def test_what_is_held_is_taken_when_the_job_is_done(studio: Studio) -> None:
    await studio.choose("authorise")
    async with affiliates.at_short_notice(studio.admin):
        booking = await studio.booked("authorise", before=SOON)
    intent = await studio.agreed(booking)
    assert await studio.payments(booking) == [("booking", "authorised", PRICE)]
    held = await studio.moved(intent)
    assert (held["authorizations"], held["charges"], held["charged"]) == (1, 0, 0)
    await affiliates.complete(studio.admin, booking)
    await studio.until_payments(booking, ("booking", "captured", PRICE))
    taken = await studio.moved(intent)
    assert (taken["charges"], taken["charged"], taken["net"]) == (1, PRICE, PRICE)


async def test_what_is_held_is_let_go_when_the_job_is_called_off(studio: Studio) -> None:
    await studio.choose("authorise")
    booking = await studio.booked("authorise", after=LATER)
    intent = await studio.agreed(booking)
    await customers.cancel(studio.customer, booking, "We are away.")
    await studio.until_payments(booking, ("booking", "cancelled", PRICE))
    gone = await studio.moved(intent)
    assert (gone["authorizations"], gone["releases"], gone["charges"], gone["refunds"]) == (1, 1, 0, 0)


async def test_a_deposit_now_and_the_rest_when_the_job_is_done(studio: Studio) -> None:
    await studio.choose("deposit")
    async with affiliates.at_short_notice(studio.admin):
        booking = await studio.booked("deposit", before=SOON)
    assert booking["deposit_cents"] == DEPOSIT
    intent = await studio.agreed(booking)
    assert await studio.payments(booking) == [("booking", "captured", DEPOSIT)]
    await affiliates.complete(studio.admin, booking)
    await studio.until_payments(booking, ("booking", "captured", DEPOSIT), ("rest", "captured", PRICE - DEPOSIT))
    assert (await studio.moved(intent))["charged"] == DEPOSIT
    paid = await studio.customer.get(f"/booking/v1/bookings/{booking['id']}")
    assert paid["status"] == "completed"
