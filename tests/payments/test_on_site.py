"""Paid at the door: nothing is charged, and the affiliate owes the commission once the job is done."""

from itertools import permutations
from typing import Any

import pytest

from services.payments.commands import ledger
from services.payments.domain.ledger import Account
from services.payments.domain.life import Status
from services.payments.queries.ledger import balances_of
from shared.contracts.booking import BookingEvent
from shared.contracts.payments import PaidOnSite, PaymentOnSite
from shared.testing.plugin import Published
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, CUSTOMER, As, Till, cancelled, charge_due, completed, expired, held, missed

COMMISSION, EXTRA_COMMISSION = 2_835, 593
ON_SITE: dict[str, Any] = {"payment_mode": "on_site"}


async def books(till: Till) -> dict[Account, int]:
    """Of all payments of the booking; the check finds nothing."""
    async with till.database.begin() as session:
        said: dict[Account, int] = {}
        for payment in await till.payments():
            for account, cents in (await balances_of(session, payment.id)).items():
                said[account] = said.get(account, 0) + cents
        assert await ledger.faults(session) == []
    return said


async def test_nothing_is_charged_and_booking_is_told_at_once(till: Till, as_: As, published: Published) -> None:
    await till.hear(held(**ON_SITE), held(**ON_SITE))
    payment = await till.payment()
    assert (payment.status, await till.intents_of(payment), await books(till)) == (Status.ON_SITE, [], {})
    assert len(await published(PaymentOnSite)) == len(await published()) == 1
    shown = await till.client.get("/payments/v1/payments?booking_id=1", headers=as_(customer(CUSTOMER)))
    assert (shown.json()["status"], shown.json()["client_secret"]) == ("on_site", None)


async def test_once_the_job_is_done_the_affiliate_owes_the_commission(
    till: Till, as_: As, published: Published
) -> None:
    await till.hear(held(**ON_SITE), completed(**ON_SITE), completed(**ON_SITE))
    assert (await till.payment()).status is Status.PAID_ON_SITE
    assert await books(till) == {Account.COMMISSION: -COMMISSION, Account.AFFILIATE_PAYABLE: COMMISSION}
    assert len(await published(PaidOnSite)) == 1
    path = f"/payments/v1/affiliates/{AFFILIATE}/balance"
    [balance] = (await till.client.get(path, headers=as_(member(AFFILIATE)))).json()["items"]
    assert balance["payable_cents"] == -COMMISSION


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_in_any_order_all_of_it_is_paid_at_the_door(till: Till, order: tuple[int, ...]) -> None:
    due = charge_due(commission_cents=COMMISSION, **ON_SITE)
    events: list[BookingEvent] = [held(**ON_SITE), due, completed(price_cents=due.price_cents, **ON_SITE)]
    await till.hear(*[events[i] for i in order])
    assert [payment.status for payment in await till.payments()] == [Status.PAID_ON_SITE] * 2
    assert await books(till) == {
        Account.COMMISSION: -COMMISSION - EXTRA_COMMISSION,
        Account.AFFILIATE_PAYABLE: COMMISSION + EXTRA_COMMISSION,
    }


@pytest.mark.parametrize("end", [cancelled(version=6), expired(version=6), missed(version=6)])
@pytest.mark.parametrize("late", [False, True])
async def test_of_a_booking_that_is_gone_nothing_is_owed(till: Till, end: BookingEvent, late: bool) -> None:
    events: list[BookingEvent] = [held(**ON_SITE), end]
    await till.hear(*(events[::-1] if late else events), completed(version=5, **ON_SITE))
    assert ({payment.status for payment in await till.payments()}, await books(till)) == ({Status.CANCELLED}, {})


async def test_what_costs_nothing_is_paid_whatever_the_way(till: Till) -> None:
    await till.hear(held(price_cents=0, commission_cents=0, **ON_SITE))
    assert (await till.payment()).status is Status.CAPTURED
