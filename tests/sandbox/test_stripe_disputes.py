"""What a customer's bank takes back, and who has the money in the end."""

from typing import Any

import pytest
import stripe

from .driver import Driver
from .receiver import Receiver
from .test_stripe_shapes import wrong_with

FEE = 1500


async def disputed(sandbox: Driver, card: str = "pm_card_createDispute", **more: Any) -> dict[str, Any]:
    intent = await sandbox.intent(5000, confirm=True, payment_method=card, **more)
    [dispute] = (await sandbox.get("/v1/disputes", payment_intent=intent.id)).json()["data"]
    found: dict[str, Any] = dispute
    return found


async def says(sandbox: Driver, dispute: dict[str, Any], text: str, **more: Any) -> stripe.Dispute:
    params: Any = {"evidence": {"uncategorized_text": text}, **more}
    return await sandbox.stripe.disputes.update_async(dispute["id"], params)


def kinds(receiver: Receiver, intent: str) -> set[str]:
    return {one.event["type"].removeprefix("charge.dispute.") for one in receiver.about(intent)}


@pytest.mark.parametrize(
    ("card", "status", "reason", "taken"),
    [
        ("pm_card_createDispute", "needs_response", "fraudulent", 5000),
        ("pm_card_createDisputeProductNotReceived", "needs_response", "product_not_received", 5000),
        ("pm_card_createDisputeInquiry", "warning_needs_response", "fraudulent", 0),
    ],
)
async def test_some_cards_pay_only_to_be_disputed(
    sandbox: Driver, receiver: Receiver, card: str, status: str, reason: str, taken: int
) -> None:
    dispute = await disputed(sandbox, card)
    assert (dispute["status"], dispute["reason"], wrong_with(dispute)) == (status, reason, [])
    entries = dispute["balance_transactions"]
    assert [(one["amount"], one["fee"], one["net"], wrong_with(one)) for one in entries] == (
        [(-5000, FEE, -6500, [])] if taken else []
    )
    intent = dispute["payment_intent"]
    charge = await sandbox.stripe.charges.retrieve_async(dispute["charge"])
    totals = await sandbox.totals(intent)
    assert (charge.disputed, totals["disputed"], totals["net"]) == (True, taken, 5000 - taken)
    for kind in ("created", "funds_withdrawn") if taken else ("created",):
        [told] = await receiver.wait_for(intent, f"charge.dispute.{kind}")
        assert wrong_with(told.event["data"]["object"]) == []


async def test_a_captured_hold_is_disputed_too(sandbox: Driver) -> None:
    held = await sandbox.intent(5000, confirm=True, payment_method="pm_card_createDispute", capture_method="manual")
    assert (await sandbox.totals(held.id))["disputes"] == 0
    await sandbox.stripe.payment_intents.capture_async(held.id, {"amount_to_capture": 3000})
    assert (await sandbox.totals(held.id))["disputed"] == 3000


@pytest.mark.parametrize(
    ("text", "status", "kept"),
    [("winning_evidence", "won", 5000), ("losing_evidence", "lost", 0), ("hm", "under_review", 0)],
)
async def test_the_evidence_decides(sandbox: Driver, receiver: Receiver, text: str, status: str, kept: int) -> None:
    dispute = await disputed(sandbox)
    after = (await says(sandbox, dispute, text)).to_dict()
    assert (after["status"], after["evidence_details"]["submission_count"], wrong_with(after)) == (status, 1, [])
    fees = sum(one["fee"] for one in after["balance_transactions"])
    assert ((await sandbox.totals(dispute["payment_intent"]))["net"], fees) == (kept, 0 if kept else FEE)
    expected = {"created", "funds_withdrawn", "updated"}
    expected |= {"closed"} if status != "under_review" else set()
    expected |= {"funds_reinstated"} if kept else set()
    intent = dispute["payment_intent"]
    await receiver.until(lambda: expected <= kinds(receiver, intent))
    if status != "under_review":
        with pytest.raises(stripe.InvalidRequestError, match="no more evidence"):
            await says(sandbox, dispute, "more")


async def test_evidence_may_be_kept_back_and_sent_later(sandbox: Driver) -> None:
    dispute = await disputed(sandbox)
    staged = await says(sandbox, dispute, "winning_evidence", submit=False)
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    noted = await sandbox.stripe.disputes.update_async(dispute["id"], {"metadata": {"case": "7"}})
    assert (noted.status, noted.metadata["case"]) == ("needs_response", "7")
    assert (await sandbox.stripe.disputes.update_async(dispute["id"], {"submit": True})).status == "won"


@pytest.mark.parametrize(
    ("text", "status", "taken"),
    [("winning_evidence", "warning_closed", 0), ("escalate_inquiry_evidence", "needs_response", 5000)],
)
async def test_an_inquiry_ends_or_becomes_a_dispute(sandbox: Driver, text: str, status: str, taken: int) -> None:
    dispute = await disputed(sandbox, "pm_card_createDisputeInquiry")
    after = (await says(sandbox, dispute, text)).to_dict()
    assert (after["status"], wrong_with(after)) == (status, [])
    assert (await sandbox.totals(dispute["payment_intent"]))["disputed"] == taken


async def test_what_nobody_answers_or_somebody_accepts_is_lost(sandbox: Driver) -> None:
    accepted, late = [await disputed(sandbox) for _ in range(2)]
    assert (await sandbox.stripe.disputes.close_async(accepted["id"])).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="any more"):
        await sandbox.stripe.disputes.close_async(accepted["id"])
    await sandbox.control("PUT", "clock", advance_seconds=11 * 24 * 3600)
    gone = await sandbox.stripe.disputes.retrieve_async(late["id"])
    assert (gone.status, gone.evidence_details.past_due) == ("lost", True)


async def test_what_the_bank_has_is_not_given_back_too(sandbox: Driver) -> None:
    paid = await sandbox.paid(5000)
    dispute = await sandbox.control("POST", f"payment_intents/{paid.id}/dispute", amount=3000, reason="general")
    refund = sandbox.stripe.refunds.create_async
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await refund({"payment_intent": paid.id, "amount": 2001})
    await refund({"payment_intent": paid.id, "amount": 2000})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await refund({"payment_intent": paid.id, "amount": 1})
    assert (refused.value.code, (await sandbox.totals(paid.id))["net"]) == ("charge_disputed", 0)
    await says(sandbox, dispute, "winning_evidence")
    await refund({"payment_intent": paid.id})
    assert (await sandbox.totals(paid.id))["net"] == 0


async def test_of_an_inquiry_it_can_be_given_back(sandbox: Driver) -> None:
    dispute = await disputed(sandbox, "pm_card_createDisputeInquiry")
    refund = await sandbox.stripe.refunds.create_async({"payment_intent": dispute["payment_intent"]})
    assert (dispute["is_charge_refundable"], refund.amount) == (True, 5000)
