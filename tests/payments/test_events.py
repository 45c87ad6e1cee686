"""A provider whose webhooks never come: its list of events is read, and everything ends right all the same."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select

from services.payments.clients import Provider
from services.payments.commands import events
from services.payments.commands.ledger import faults
from services.payments.domain.life import Status
from services.payments.domain.provider import Unanswered
from services.payments.domain.webhook import Outcome, Webhook
from services.payments.jobs import look_for_untold_events
from shared.clock import frozen, now
from shared.contracts.payments import PaymentCaptured, PaymentDisputed, PaymentFailed
from shared.db import Database
from shared.testing.plugin import Published
from tests.sandbox.driver import Driver
from tests.sandbox.process import SandboxProcess
from tests.sandbox.receiver import Receiver

from .conftest import PRICE, Till, _till, _with_bank, cancelled
from .test_disputes import opens
from .test_webhooks import declined


@pytest_asyncio.fixture
async def unheard(
    app: FastAPI,
    database: Database,
    client: httpx.AsyncClient,
    receiver: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Till]:
    async with SandboxProcess(tmp_path_factory.mktemp("unheard"), webhook_url="") as process:
        driver = Driver(process.url)
        till = _till(_with_bank(app, driver), database, client, driver, receiver)
        yield till
        await till.outside.client(Provider).aclose()
        await driver.close()


async def looks(till: Till, later: timedelta = timedelta(minutes=20)) -> None:
    with frozen(now() + later):
        async with till.database.begin() as session:
            await look_for_untold_events(session)
        await till.work()


async def stored(till: Till) -> list[tuple[str, Outcome | None]]:
    async with till.database.begin() as session:
        return [(one.event_id, one.outcome) for one in await session.scalars(select(Webhook).order_by(Webhook.id))]


async def test_everything_ends_right_though_no_webhook_ever_comes(
    unheard: Till, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paid, declined, sent back, disputed, held, gone; page by page."""
    monkeypatch.setattr("services.payments.clients.PAGE", 3)
    till = unheard
    for booking in range(1, 7):
        await till.ready(booking)
    for booking in (1, 2, 3):
        await till.sandbox.confirm(await till.intent_id(booking))
    await declined(till, await till.intent_id(4))
    await till.sandbox.stripe.payment_intents.cancel_async(await till.intent_id(5))
    assert {(await till.payment(booking)).status for booking in range(1, 7)} == {Status.REQUIRES_PAYMENT}
    await looks(till)
    ends = [(await till.payment(booking)).status for booking in range(1, 7)]
    assert ends == [*[Status.CAPTURED] * 3, Status.REQUIRES_PAYMENT, Status.CANCELLED, Status.REQUIRES_PAYMENT]
    assert (await till.payment(4)).decline_reason is not None

    await till.hear(cancelled(2, refund_cents=1_000))
    await opens(till.sandbox, await till.intent_id(3))
    before = await stored(till)
    await looks(till)
    assert len(await stored(till)) > len(before)
    assert ((await till.payment(2)).refunded_cents, (await till.payment(3)).withheld_cents) == (1_000, PRICE)
    told = [len(await published(of)) for of in (PaymentCaptured, PaymentFailed, PaymentDisputed)]
    assert told == [3, 1, 1]
    async with till.database.begin() as session:
        assert await faults(session) == []
    assert {outcome for _, outcome in await stored(till)} <= {Outcome.DONE, Outcome.KNOWN}

    everything = await stored(till)
    await looks(till)
    assert await stored(till) == everything


async def test_what_a_webhook_has_told_is_not_stored_again(till: Till) -> None:
    """Nor by a webhook what the list has told."""
    first = await till.captured(1)
    second = await till.ready(2)
    await till.sandbox.confirm(second)
    await looks(till)
    ids = [event_id for event_id, _ in await stored(till)]
    hooks = [await till.webhook(intent_id, "payment_intent.succeeded") for intent_id in (first, second)]
    assert [ids.count(hook.event["id"]) for hook in hooks] == [1, 1]
    await till.hand_on(second, "payment_intent.succeeded")
    assert len(await stored(till)) == len(ids)


async def test_what_is_young_may_be_on_its_way(unheard: Till) -> None:
    await unheard.sandbox.confirm(await unheard.ready())
    await looks(unheard, timedelta())
    assert (await stored(unheard), (await unheard.payment()).status) == ([], Status.REQUIRES_PAYMENT)
    await looks(unheard, events.PATIENCE + timedelta(seconds=2))
    assert (await unheard.payment()).status is Status.CAPTURED


async def test_a_list_that_does_not_come_is_asked_for_again(unheard: Till) -> None:
    await unheard.sandbox.confirm(await unheard.ready())
    await unheard.sandbox.break_next("events.list", "drop")
    with pytest.raises(Unanswered):
        await looks(unheard)
    await unheard.work()
    assert (await unheard.payment()).status is Status.CAPTURED
