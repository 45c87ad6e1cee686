"""Giving money back, and never more than was taken."""

import asyncio

import pytest
import stripe

from .driver import Driver
from .receiver import Receiver


async def test_refunds_add_up_to_the_charge_and_then_end(sandbox: Driver, receiver: Receiver) -> None:
    paid = await sandbox.paid(5000)
    refund = sandbox.stripe.refunds.create_async
    part = await refund({"payment_intent": paid.id, "amount": 2000, "reason": "requested_by_customer"})
    assert (part.status, part.amount, part.payment_intent) == ("succeeded", 2000, paid.id)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await refund({"payment_intent": paid.id, "amount": 3001})
    assert (await refund({"payment_intent": paid.id})).amount == 3000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await refund({"payment_intent": paid.id, "amount": 1})
    assert refused.value.code == "charge_already_refunded"
    assert len(await receiver.wait_for(paid.id, "charge.refunded", 2)) == 2
    assert len(await receiver.wait_for(paid.id, "refund.created", 2)) == 2
    listed = await sandbox.stripe.refunds.list_async({"payment_intent": paid.id})
    assert [one.amount for one in listed.data] == [3000, 2000]
    totals = await sandbox.totals(paid.id)
    assert (totals["charged"], totals["refunded"], totals["net"]) == (5000, 5000, 0)


async def test_refunds_in_parallel_never_exceed_the_charge(sandbox: Driver) -> None:
    paid = await sandbox.paid(1000)
    tries = (sandbox.post("/v1/refunds", payment_intent=paid.id, amount=300) for _ in range(20))
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [400] * 17
    totals = await sandbox.totals(paid.id)
    assert (totals["refunds"], totals["refunded"]) == (3, 900)
    charge = await sandbox.stripe.charges.retrieve_async(str(paid.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (900, False)


async def test_after_a_partial_capture_only_what_was_taken_is_given_back(sandbox: Driver) -> None:
    held = await sandbox.paid(5000, capture_method="manual")
    await sandbox.stripe.payment_intents.capture_async(held.id, {"amount_to_capture": 2000})
    assert (await sandbox.stripe.refunds.create_async({"payment_intent": held.id})).amount == 2000
    assert (await sandbox.totals(held.id))["net"] == 0


async def test_what_was_not_paid_cannot_be_refunded(sandbox: Driver) -> None:
    intent = await sandbox.intent()
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        await sandbox.stripe.refunds.create_async({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await sandbox.stripe.refunds.create_async({"charge": "ch_nowhere"})
    assert (unknown.value.http_status, unknown.value.code) == (404, "resource_missing")
