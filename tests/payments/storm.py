"""Many payments at once, with a provider of whose answers every tenth gets lost, and webhooks that come as they like.

Each has a fate by its number. `audit` says afterwards whether the money is right.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import stripe
import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from services.payments.clients import Provider
from services.payments.commands import tasks
from services.payments.domain.life import Status
from services.payments.domain.payment import NotYetCaptured, Payment
from services.payments.jobs import ask_about_open_payments
from shared import tasks as shared_tasks
from shared.contracts.booking import BookingEvent
from shared.db import Database
from shared.ids import new_id
from shared.revocation import Revocations
from shared.serve import load
from shared.settings import Profile, Role
from shared.tasks import Outside, Runner, Task
from shared.testing.plugin import deliver_to, until
from shared.testing.servers import free_ports
from tests.sandbox.driver import Driver
from tests.sandbox.process import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET, SandboxProcess

from .conftest import PRICE, cancelled, expired, held
from .test_webhooks import SUCCEEDED, intent_event

HOOK = "/payments/v1/webhooks/stripe"
CHANGES = ("payment_intents.create", "payment_intents.confirm", "payment_intents.cancel", "refunds.create")
LOST = 0.1  # of all answers, and of all webhooks
FAULTS: list[dict[str, Any]] = [
    *({"kind": kind, "mode": "drop", "probability": LOST} for kind in (*CHANGES, "payment_intents.retrieve")),
    *({"kind": kind, "mode": mode, "probability": 0.01} for kind in CHANGES for mode in ("429", "500")),
    *({"kind": kind, "mode": "drop", "effect": False, "probability": 0.01} for kind in CHANGES),
    *({"kind": kind, "mode": "hang", "seconds": 0.5, "probability": 0.005} for kind in CHANGES),
    *({"kind": kind, "mode": "500-stored", "effect": True, "probability": 0.003} for kind in CHANGES),
    *({"kind": kind, "mode": "500-stored", "effect": False, "probability": 0.003} for kind in CHANGES),
]
OVER = ("succeeded", "canceled")
OPEN = (Status.PENDING, Status.REQUIRES_PAYMENT, Status.CANCELLING)
AT_ONCE, BATCH = 20, 250
PATIENCE = 300.0  # seconds for one batch, or for one round of reconciliation
QUIET = text("update payments set checked_at = now() - interval '10 minutes'")
SENT = text("update refunds set updated_at = now() - interval '10 minutes' where status = 'sent'")


class Fate(IntEnum):
    """What becomes of a booking, by the last digit of its number; those of other digits are paid and stay so."""

    EXPIRES = 0
    PAID_AS_IT_EXPIRES = 1
    PARTLY_BACK = 2
    WHOLLY_BACK = 3
    DECLINED_FIRST = 4


ENDS = {
    Fate.EXPIRES: {Status.CANCELLED},
    Fate.PAID_AS_IT_EXPIRES: {Status.CANCELLED, Status.CAPTURED},
    Fate.WHOLLY_BACK: {Status.REFUNDED},
}


def astray(payments: Iterable[Payment]) -> list[str]:
    """Those that did not end as they were to."""
    ends = {int(fate): statuses for fate, statuses in ENDS.items()}
    return [
        f"booking {payment.booking_id} is {payment.status}"
        for payment in payments
        if payment.status not in ends.get(payment.booking_id % 10, {Status.CAPTURED})
    ]


@dataclass
class Storm:
    database: Database
    sandbox: Driver
    hook: str
    later: list[tuple[BookingEvent, UUID]] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.deliver = deliver_to("payments", self.database)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def breaks(self, bookings: range) -> None:
        """A payment for each, to its end as far as it comes by itself."""
        for fault in FAULTS:
            await self.sandbox.control("POST", "faults", times=None, **fault)
        await self.sandbox.control("PUT", "webhooks", jitter=1.0)
        for first in range(0, len(bookings), BATCH):
            await self._batch(bookings[first : first + BATCH])

    async def _batch(self, bookings: range) -> None:
        await self._all(self._tell(held(booking_id)) for booking_id in bookings)
        await until(self._all_ready, PATIENCE)
        async with self.database.begin() as session:
            of = select(Payment.booking_id, Payment.stripe_payment_intent_id).where(Payment.booking_id.in_(bookings))
            intents = {booking_id: str(intent_id) for booking_id, intent_id in await session.execute(of)}
        await self._all(self._live(booking_id, intents[booking_id]) for booking_id in bookings)

    async def _all_ready(self) -> bool:
        await asyncio.sleep(0.1)
        async with self.database.begin() as session:
            of = select(func.count()).select_from(Payment).where(Payment.status == Status.PENDING)
            return not await session.scalar(of)

    async def _all(self, works: Any) -> None:
        async def one(work: Coroutine[Any, Any, None]) -> None:
            async with self._turns:
                await work

        await asyncio.gather(*(one(work) for work in works))

    async def _live(self, booking_id: int, intent_id: str) -> None:
        fate = booking_id % 10
        if fate == Fate.EXPIRES:
            await self._forge(booking_id, intent_id)
            await self._tell(expired(booking_id))
        elif fate == Fate.PAID_AS_IT_EXPIRES:
            await asyncio.gather(self._pay(intent_id), self._tell(expired(booking_id)))
        else:
            if fate == Fate.DECLINED_FIRST:
                await self._try_card(intent_id, "pm_card_chargeDeclined")
            await self._pay(intent_id)
        if fate in (Fate.PARTLY_BACK, Fate.WHOLLY_BACK):
            cents = PRICE if fate == Fate.WHOLLY_BACK else PRICE // 3
            await self._tell(cancelled(booking_id, refund_cents=cents))

    async def _tell(self, event: BookingEvent, event_id: UUID | None = None) -> None:
        """Now and then twice. Later again, as the platform does, if payments cannot know of it yet, or if it
        waited too long for a lock or a connection."""
        event_id = event_id or new_id()
        try:
            for _ in range(2 if self.chance.random() < LOST else 1):
                await self.deliver(event, event_id)
        except (NotYetCaptured, SQLAlchemyError):
            self.later.append((event, event_id))

    async def _pay(self, intent_id: str) -> None:
        """As a client does that does not know whether it has paid: it looks, and tries again if not."""
        while not await self._is_over(intent_id):
            await self._try_card(intent_id, "pm_card_visa")

    async def _try_card(self, intent_id: str, card: str) -> None:
        try:
            await self.sandbox.confirm(intent_id, card)
        except stripe.StripeError:
            return

    async def _is_over(self, intent_id: str) -> bool:
        try:
            return (await self.sandbox.stripe.payment_intents.retrieve_async(intent_id)).status in OVER
        except stripe.StripeError:
            return False

    async def _forge(self, booking_id: int, intent_id: str) -> None:
        """Somebody says that this was paid. They do not know our secret."""
        event = intent_event(SUCCEEDED, f"evt_forged_{booking_id}", id=intent_id)
        async with httpx.AsyncClient(timeout=60) as http:  # a connection of its own, that nobody closes for being idle
            await http.post(self.hook, json=event, headers={"Stripe-Signature": "t=1,v1=00"})

    async def reconcile(self) -> None:
        """Whoever was quiet is asked about: once more with answers that get lost, then without, until nothing is open
        any more, or nothing changes."""
        await until(self._at_rest, PATIENCE)
        await self._look()
        await self.sandbox.control("DELETE", "faults")
        before = None
        while (left := (len(self.later), await self._open())) != (0, 0) and left != before:
            before = left
            await self._look()

    async def _look(self) -> None:
        again, self.later = self.later, []
        await self._all(self._tell(event, event_id) for event, event_id in again)
        async with self.database.begin() as session:
            for statement in (QUIET, SENT):
                await session.execute(statement)
            await ask_about_open_payments(session)
        await until(self._at_rest, PATIENCE)

    async def _at_rest(self) -> bool:
        await asyncio.sleep(0.1)
        async with self.database.begin() as session:
            left = await session.scalar(select(func.count()).select_from(Task))
        return not left and not await self.sandbox.control("GET", "deliveries?state=pending")

    async def _open(self) -> int:
        async with self.database.begin() as session:
            of = select(func.count()).select_from(Payment).where(Payment.status.in_(OPEN))
            return await session.scalar(of) or 0


Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def hard_of_hearing(app: Asgi) -> Asgi:
    """Before our door, a tenth of what the provider sends is lost, though it is told that it came; a tenth comes twice,
    at the same time."""
    chance = random.Random(2)

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        agent: bytes = dict(scope["headers"]).get(b"user-agent", b"")
        roll = chance.random() if agent.startswith(b"Stripe") else 1.0
        if roll < LOST:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})
            return
        if roll > 2 * LOST:
            await app(scope, receive, send)
            return
        told = [await receive()]

        async def unheard(_message: Any) -> None:
            return

        async def once_more() -> Any:
            return told[0]

        await asyncio.gather(app(dict(scope), once_more, send), app(dict(scope), once_more, unheard))

    return serve


@contextmanager
def quiet() -> Iterator[None]:
    """Each answer that is lost is a warning with its traceback: to print them would take longer than all the rest."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.reset_defaults()


@asynccontextmanager
async def storm(database: Database, directory: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Storm]:
    """Payments behind a real server, its calls made by two runners, and a provider of its own."""
    patch.setattr(shared_tasks, "BACKOFF", (0.1,) * len(shared_tasks.BACKOFF))
    [port] = free_ports(1)
    hook = f"http://127.0.0.1:{port}{HOOK}"
    with quiet():
        async with SandboxProcess(directory, hook) as process:
            app = _app(database, process.url)
            outside, sandbox = Outside(database, app.state.clients), Driver(process.url)
            server = uvicorn.Server(uvicorn.Config(hard_of_hearing(app), port=port, log_config=None, lifespan="off"))
            runners = [Runner(tasks, database, outside).run() for _ in range(2)]
            works = [asyncio.ensure_future(work) for work in (server._serve(), *runners)]
            seen_by_us = Database(database.url, pool_size=AT_ONCE)  # so that looking on takes nobody's connection
            yield Storm(seen_by_us, sandbox, hook)
            await seen_by_us.close()
            server.should_exit = True
            for work in works[1:]:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            await outside.client(Provider).aclose()
            await sandbox.close()


def _app(database: Database, stripe_url: str) -> FastAPI:
    told: dict[str, Any] = {
        "profile": Profile.TEST, "role": Role.API, "database_url": database.url, "jwks_url": "http://nowhere",
        "stripe_api_key": SECRET_KEY, "stripe_api_base": stripe_url, "stripe_webhook_secret": WEBHOOK_SECRET,
        "stripe_publishable_key": PUBLISHABLE_KEY,
    }  # fmt: skip
    app = load("payments", lambda kind: kind(**told))
    app.state.database, app.state.revocations = database, Revocations(database)
    return app
