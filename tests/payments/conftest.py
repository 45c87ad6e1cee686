"""A service of payments against a real sandbox process, with the time between call and answer in the test's hands."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import delete, func, select

from services.payments.clients import Provider
from services.payments.commands import tasks
from services.payments.domain.life import Purpose
from services.payments.domain.payment import Payment
from services.payments.domain.refund import Refund
from services.payments.domain.webhook import Webhook
from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import (
    BookingCancelled,
    BookingChargeCalledOff,
    BookingChargeDue,
    BookingCompleted,
    BookingEvent,
    BookingExpired,
    BookingHeld,
    BookingNoShow,
    BookingRefundDue,
    BookingRescheduled,
)
from shared.contracts.catalog import AffiliateApplied
from shared.db import Database
from shared.tasks import NotNow, Outside, Task
from shared.testing.plugin import Deliver, Headers, deliver_to
from tests.sandbox.driver import Driver
from tests.sandbox.process import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET, SandboxProcess
from tests.sandbox.receiver import Received, Receiver

CUSTOMER, AFFILIATE = 7, 31
PRICE = 18_900
DAYS = count(20, 3)  # each test has one of its own in the provider's books, which all tests share
HERE = Path(__file__).parent
# The official library hands httpx its form in a way that httpx is about to drop.
LIBRARYS_WARNING = "ignore:Use 'content=<...>':DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(LIBRARYS_WARNING))


@pytest.fixture(scope="session")
def service() -> str:
    return "payments"


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """Takes the sandbox's webhooks, for the test to hand on when and how it wants."""
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


@pytest.fixture(scope="session")
async def shared_sandbox(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> AsyncIterator[Driver]:
    async with SandboxProcess(tmp_path_factory.mktemp("sandbox"), receiver.url) as process:
        driver = Driver(process.url)
        yield driver
        await driver.close()


@pytest.fixture
async def sandbox(shared_sandbox: Driver) -> AsyncIterator[Driver]:
    yield shared_sandbox
    await shared_sandbox.control("DELETE", "faults")
    await shared_sandbox.control("PUT", "clock", offset_seconds=0)


@pytest.fixture(scope="session")
def extra_settings(shared_sandbox: Driver) -> dict[str, Any]:
    """Two webhook secrets, as while they are rotated."""
    return {
        "stripe_api_key": SECRET_KEY,
        "stripe_api_base": shared_sandbox.url,
        "stripe_webhook_secret": f"whsec_next, {WEBHOOK_SECRET}",
        "stripe_publishable_key": PUBLISHABLE_KEY,
    }


def _booking(booking_id: int, version: int, status: str, **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "booking_id": booking_id, "version": version, "customer_id": CUSTOMER, "affiliate_id": AFFILIATE, "crew_id": 1,
        "service_id": 41, "tier_id": 51, "service_name": "Full", "tier_name": "Gold", "status": status,
        "appointment_start": "2030-01-07T14:00:00Z", "appointment_end": "2030-01-07T16:00:00Z", "zip": "11201",
        "timezone": "America/New_York", "address": "1 Main St", "price_cents": PRICE, "commission_cents": 2_835,
        "currency": "USD",
    }  # fmt: skip
    return values | more


def held(booking_id: int = 1, version: int = 1, **more: Any) -> BookingHeld:
    return BookingHeld(**_booking(booking_id, version, "held", hold_expires_at="2030-01-01T00:00:00Z", **more))


def expired(booking_id: int = 1, version: int = 2, **more: Any) -> BookingExpired:
    return BookingExpired(**_booking(booking_id, version, "expired", **more))


def cancelled(booking_id: int = 1, version: int = 3, refund_cents: int = 0, **more: Any) -> BookingCancelled:
    ends = {"refund_cents": refund_cents, "cancelled_by": "customer", "reason": ""}
    return BookingCancelled(**_booking(booking_id, version, "cancelled", **ends, **more))


def missed(booking_id: int = 1, version: int = 3, refund_cents: int = 0, **more: Any) -> BookingNoShow:
    return BookingNoShow(**_booking(booking_id, version, "no_show", refund_cents=refund_cents, **more))


def refund_due(booking_id: int = 1, version: int = 4, refund_cents: int = PRICE, **more: Any) -> BookingRefundDue:
    return BookingRefundDue(**_booking(booking_id, version, "cancelled", refund_cents=refund_cents, **more))


def charge_due(booking_id: int = 1, version: int = 3, charge_cents: int = 5_000, **more: Any) -> BookingChargeDue:
    told = {"charge_cents": charge_cents, "charge_for": "extras", "price_cents": PRICE + charge_cents} | more
    return BookingChargeDue(**_booking(booking_id, version, "confirmed", **told))


def charge_called_off(booking_id: int = 1, version: int = 5, **more: Any) -> BookingChargeCalledOff:
    return BookingChargeCalledOff(**_booking(booking_id, version, "confirmed", **more))


def moved(booking_id: int = 1, version: int = 3, **more: Any) -> BookingRescheduled:
    told = {"previous_start": "2030-01-01T00:00:00Z", **more}
    return BookingRescheduled(**_booking(booking_id, version, "confirmed", **told))


def completed(booking_id: int = 1, version: int = 5, **more: Any) -> BookingCompleted:
    return BookingCompleted(**_booking(booking_id, version, "completed", **more))


STATE: dict[str, Any] = {
    "affiliate_id": AFFILIATE, "owner_user_id": 900, "name": "Shine", "city": "Brooklyn", "state": "NY",
    "zip": "11201", "timezone": "America/New_York", "latitude": 40.69, "longitude": -73.99, "service_radius_m": 20_000,
}  # fmt: skip


def applied(version: int = 1, **more: Any) -> AffiliateApplied:
    return AffiliateApplied(**STATE | {"version": version, "application_status": "submitted"} | more)


@dataclass
class Till:
    """The service, its provider, and what happens between them one step at a time."""

    database: Database
    client: httpx.AsyncClient
    deliver: Deliver
    outside: Outside
    sandbox: Driver
    receiver: Receiver

    async def hear(self, *events: BookingEvent) -> None:
        """What booking tells, and then every call that follows from it."""
        for event in events:
            await self.deliver(event)
        await self.work()

    async def work(self) -> None:
        """Make the calls that wait, until none does. One that fails stays waiting, and its error is raised."""
        while (task := await self._first_task()) is not None:
            try:
                await tasks.all[task.name](self.outside, **task.arguments)
            except NotNow:
                return
            async with self.database.begin() as session:
                await session.execute(delete(Task).where(Task.id == task.id))

    async def _first_task(self) -> Task | None:
        async with self.database.begin() as session:
            task: Task | None = await session.scalar(select(Task).order_by(Task.id).limit(1))
            return task

    async def provider_lives_at(self, at: datetime) -> None:
        await self.sandbox.control("PUT", "clock", offset_seconds=int((at - now()).total_seconds()))

    async def waiting(self) -> list[str]:
        async with self.database.begin() as session:
            return list(await session.scalars(select(Task.name).order_by(Task.id)))

    async def payment(self, booking_id: int = 1, purpose: Purpose = Purpose.BOOKING) -> Payment:
        [payment] = [one for one in await self.payments(booking_id) if one.purpose is purpose]
        return payment

    async def payments(self, booking_id: int = 1) -> list[Payment]:
        async with self.database.begin() as session:
            of = select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id)
            return list(await session.scalars(of))

    async def refunds(self) -> list[Refund]:
        async with self.database.begin() as session:
            return list(await session.scalars(select(Refund).order_by(Refund.id)))

    async def webhooks(self) -> list[Webhook]:
        async with self.database.begin() as session:
            return list(await session.scalars(select(Webhook).order_by(Webhook.id)))

    async def count(self, table: type[Any]) -> int:
        async with self.database.begin() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    async def ready(self, booking_id: int = 1, **more: Any) -> str:
        """A payment that can be paid; its intent's id."""
        await self.hear(held(booking_id, **more))
        return await self.intent_id(booking_id)

    async def intent_id(self, booking_id: int = 1, purpose: Purpose = Purpose.BOOKING) -> str:
        found = (await self.payment(booking_id, purpose)).stripe_payment_intent_id
        assert found is not None
        return found

    async def captured(self, booking_id: int = 1, **more: Any) -> str:
        """A payment that was paid, and of which we have heard; its intent's id."""
        return await self.pay(await self.ready(booking_id, **more))

    async def pay(self, intent_id: str) -> str:
        await self.sandbox.confirm(intent_id)
        await self.hand_on(intent_id, "payment_intent.succeeded")
        return intent_id

    async def webhook(self, intent_id: str, kind: str, number: int = 0) -> Received:
        return (await self.receiver.wait_for(intent_id, kind, number + 1))[number]

    async def post(self, hook: Received, *, body: bytes | None = None, signature: str | None = None) -> httpx.Response:
        headers = {"Stripe-Signature": hook.signature if signature is None else signature}
        return await self.client.post("/payments/v1/webhooks/stripe", content=body or hook.body, headers=headers)

    async def hand_on(self, intent_id: str, kind: str) -> Received:
        """A webhook as the sandbox sent it, and what follows from it."""
        hook = await self.webhook(intent_id, kind)
        response = await self.post(hook)
        assert (response.status_code, response.json()) == (200, {"received": True})
        await self.work()
        return hook

    async def intents_of(self, payment: Payment) -> list[str]:
        """All that the provider has made for a payment."""
        page = await self.sandbox.stripe.payment_intents.list_async({"limit": 100})
        found = [i async for i in page.auto_paging_iter() if i.metadata.to_dict().get("booking_id")]
        return [i.id for i in found if i.metadata["mdh_reference"] == str(payment.reference)]


def _till(app: FastAPI, database: Database, client: httpx.AsyncClient, sandbox: Driver, receiver: Receiver) -> Till:
    outside = Outside(database, app.state.clients)
    return Till(database, client, deliver_to("payments", database), outside, sandbox, receiver)


@pytest_asyncio.fixture
async def till(
    app: FastAPI, database: Database, client: httpx.AsyncClient, sandbox: Driver, receiver: Receiver
) -> AsyncIterator[Till]:
    till = _till(app, database, client, sandbox, receiver)
    yield till
    await till.outside.client(Provider).aclose()


@pytest_asyncio.fixture
async def noon(till: Till) -> datetime:
    """Of a day long ago, at which the provider is."""
    day = now().date() - timedelta(days=next(DAYS))
    at = datetime.combine(day, time(12), UTC)
    await till.provider_lives_at(at)
    return at


@pytest_asyncio.fixture
async def fresh_till(
    make_app: Callable[[Database], FastAPI],
    fresh_database: Database,
    fresh_client: httpx.AsyncClient,
    sandbox: Driver,
    receiver: Receiver,
) -> AsyncIterator[Till]:
    """The same on a database where transactions are real, for races."""
    till = _till(make_app(fresh_database), fresh_database, fresh_client, sandbox, receiver)
    yield till
    await till.outside.client(Provider).aclose()


@pytest.fixture(scope="session")
async def shared_bank(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> AsyncIterator[Driver]:
    async with SandboxProcess(tmp_path_factory.mktemp("bank"), receiver.url) as process:
        driver = Driver(process.url)
        yield driver
        await driver.close()


@pytest.fixture
async def bank(shared_bank: Driver) -> AsyncIterator[Driver]:
    """A sandbox whose balance nobody else touches, and with more to give away than a test needs."""
    await shared_bank.paid(1_000_000, payment_method="pm_card_bypassPending")
    yield shared_bank
    await shared_bank.control("DELETE", "faults")
    await shared_bank.control("PUT", "clock", offset_seconds=0)


def _with_bank(app: FastAPI, bank: Driver) -> FastAPI:
    settings = app.state.settings.model_copy(update={"stripe_api_base": bank.url})
    app.state.clients = (Provider(settings), settings.payout_terms, settings.letterhead)
    return app


@pytest_asyncio.fixture
async def banked(
    app: FastAPI, database: Database, client: httpx.AsyncClient, bank: Driver, receiver: Receiver
) -> AsyncIterator[Till]:
    """A till whose money can leave."""
    till = _till(_with_bank(app, bank), database, client, bank, receiver)
    yield till
    await till.outside.client(Provider).aclose()


@pytest_asyncio.fixture
async def alone(
    app: FastAPI,
    database: Database,
    client: httpx.AsyncClient,
    receiver: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Till]:
    """A till whose provider has no money but what this test pays."""
    async with SandboxProcess(tmp_path_factory.mktemp("alone"), receiver.url) as process:
        driver = Driver(process.url)
        till = _till(_with_bank(app, driver), database, client, driver, receiver)
        yield till
        await till.outside.client(Provider).aclose()
        await driver.close()


@pytest_asyncio.fixture
async def fresh_banked(
    make_app: Callable[[Database], FastAPI],
    fresh_database: Database,
    fresh_client: httpx.AsyncClient,
    bank: Driver,
    receiver: Receiver,
) -> AsyncIterator[Till]:
    till = _till(_with_bank(make_app(fresh_database), bank), fresh_database, fresh_client, bank, receiver)
    yield till
    await till.outside.client(Provider).aclose()


As = Callable[[Actor], Headers]
