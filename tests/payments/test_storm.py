"""P4, P5 and P11 at random: every tenth answer lost; red without the guards. tests/chaos/test_storm.py has 10,000."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from services.payments import clients
from services.payments.clients import Provider
from services.payments.domain.payment import Payment
from services.payments.domain.refund import Refund
from shared.db import Database
from shared.ids import new_id
from shared.testing.plugin import AsOwner

from .audit import Audit, audit
from .storm import Storm, astray, storm

PAYMENTS, FEW = 200, 20


@pytest_asyncio.fixture
async def it(fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Storm]:
    async with storm(fresh_database, tmp_path, monkeypatch) as it:
        yield it


async def test_two_hundred_payments_are_right_in_the_end(
    it: Storm, mdh: Callable[..., Awaitable[tuple[int, str]]]
) -> None:
    await all_is_right_after(it, range(1, PAYMENTS + 1))
    assert await mdh("ledger", "check") == (0, "the books are right\n")


async def all_is_right_after(it: Storm, bookings: range) -> Audit:
    await it.breaks(bookings)
    await it.reconcile()
    found = await audit(it.database, it.sandbox)
    assert (found.wrongs(), astray(found.payments), len(found.payments)) == ([], [], bookings[-1])
    return found


async def wrongs_without(it: Storm) -> str:
    await it.sandbox.break_next("payment_intents.create", "drop", times=3)
    await it.breaks(range(1, FEW + 1))
    await it.reconcile()
    return "\n".join((await audit(it.database, it.sandbox)).wrongs())


async def test_with_a_new_key_for_each_call_the_provider_acts_twice(it: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of stored intentions."""
    for name in ("create_intent", "refund"):
        monkeypatch.setattr(Provider, name, _with_a_new_key(getattr(Provider, name)))
    assert "the provider has made" in await wrongs_without(it)


def _with_a_new_key(call: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    async def made_up(provider: Provider, intention: Payment | Refund, *more: object) -> object:
        intention.idempotency_key = f"new-{new_id()}"
        return await call(provider, intention, *more)

    return made_up


async def test_without_the_guard_on_event_ids_webhooks_are_stored_twice(it: Storm, as_owner: AsOwner) -> None:
    """The negative control of the constraint."""
    await as_owner("alter table webhooks drop constraint uq_webhooks_event_id")
    assert "is stored 2 times" in await wrongs_without(it)


async def test_without_the_signature_whoever_says_so_has_paid(it: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the signature."""
    monkeypatch.setattr(clients, "_signed_with", lambda *_: True)
    assert "'charges': 1, 'charged': 18900, 'refunded': 0} here, {'charges': 0" in await wrongs_without(it)
