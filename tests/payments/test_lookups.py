"""What came of an unanswered call is found in a few requests, however many others were made that day."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from services.payments.clients import Provider
from services.payments.domain.payment import Payment
from shared.clock import frozen, now
from tests.sandbox.driver import Driver

from .conftest import Till, held
from .test_authorised import visit

DAY, THOUSANDS, AT_MOST = timedelta(hours=24), 5_000, 6
NOWHERE = UUID(int=7)


@pytest_asyncio.fixture(autouse=True)
async def alone_afterwards(sandbox: Driver) -> AsyncIterator[None]:
    yield
    await sandbox.control("DELETE", "copies")


@pytest.fixture
def asked(till: Till, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each request that the provider is sent."""
    transport, sent = till.outside.client(Provider).transport, []
    send = transport.request_async

    async def counted(method: str, url: str, *more: Any, **named: Any) -> Any:
        sent.append(f"{method} {url.split('?')[0].split('/v1/')[1]}")
        return await send(method, url, *more, **named)

    monkeypatch.setattr(transport, "request_async", counted)
    return sent


async def crowd(till: Till, identifier: str, apart: float = DAY.total_seconds() / THOUSANDS) -> None:
    """As many of its kind as a busy day has, each with what it is made for."""
    await till.sandbox.control("POST", f"objects/{identifier}/copies", count=THOUSANDS, apart_seconds=int(apart))


async def made_a_day_ago(till: Till, identifier: str) -> None:
    """It, before all the others."""
    await till.sandbox.control("PUT", "clock", offset_seconds=int(DAY.total_seconds()))
    await crowd(till, identifier)


@pytest.mark.parametrize("there", [True, False])
async def test_an_intent_of_yesterday_is_found_or_missed_in_a_few_requests(
    till: Till, asked: list[str], there: bool
) -> None:
    await till.hear(held())
    payment = await till.payment()
    await made_a_day_ago(till, await till.intent_id())
    asked.clear()
    with frozen(now() + DAY):
        wanted = payment.reference if there else NOWHERE
        found = await till.outside.client(Provider).find_intent(wanted, since=payment.requested_at)
    assert (found.id if found else None) == (payment.stripe_payment_intent_id if there else None)
    assert len(asked) <= AT_MOST


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("known", [True, False])
async def test_so_is_a_setup_by_its_customer(till: Till, asked: list[str], there: bool, known: bool) -> None:
    await till.hear(held(**visit(20)))
    payment = await till.payment()
    setup_id = str(payment.stripe_setup_intent_id)
    customer_id = str((await till.sandbox.stripe.setup_intents.retrieve_async(setup_id)).customer)
    await made_a_day_ago(till, customer_id)
    asked.clear()
    with frozen(now() + DAY):
        whose = customer_id if known and there else None
        wanted = payment.reference if there else NOWHERE
        provider = till.outside.client(Provider)
        found = await provider.find_setup(wanted, since=payment.requested_at, customer_id=whose)
    assert (found.id if found else None) == (setup_id if there else None)
    assert len(asked) <= AT_MOST


async def test_what_was_made_just_now_is_listed_since_no_search_knows_it(till: Till, asked: list[str]) -> None:
    await till.hear(held())
    payment: Payment = await till.payment()
    asked.clear()
    found = await till.outside.client(Provider).find_intent(payment.reference, since=payment.requested_at)
    assert (found and found.id, asked) == (payment.stripe_payment_intent_id, ["get payment_intents"])


async def test_a_customer_of_yesterday_is_searched_for(till: Till, asked: list[str]) -> None:
    made = await till.sandbox.stripe.customers.create_async({"metadata": {"mdh_reference": str(NOWHERE)}})
    await made_a_day_ago(till, made.id)
    asked.clear()
    with frozen(now() + DAY):
        assert await till.outside.client(Provider).find_customer(NOWHERE, since=now() - DAY) == made.id
    assert len(asked) <= AT_MOST
