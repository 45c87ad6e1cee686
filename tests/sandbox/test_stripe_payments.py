"""Paying: the cards, the holds, the customer's own client."""

from typing import Any

import pytest
import stripe

from .driver import Driver
from .process import PUBLISHABLE_KEY
from .receiver import Receiver

WEEK = 7 * 24 * 3600


async def test_a_card_pays(sandbox: Driver, receiver: Receiver) -> None:
    intent = await sandbox.intent(5000, metadata={"booking_id": "7"})
    assert intent.status == "requires_payment_method"
    paid = await sandbox.confirm(intent.id, expand=["latest_charge.balance_transaction"])
    assert (paid.status, paid.amount_received, paid.metadata["booking_id"]) == ("succeeded", 5000, "7")
    charge: Any = paid.latest_charge
    assert (charge.captured, charge.balance_transaction.net) == (True, 5000 - 175)
    for kind in ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded"):
        assert len(await receiver.wait_for(intent.id, kind)) == 1
    totals = await sandbox.totals(intent.id)
    assert (totals["charges"], totals["charged"], totals["metadata"]) == (1, 5000, {"booking_id": "7"})


@pytest.mark.parametrize(
    ("card", "code", "reason"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ],
)
async def test_a_declined_card_is_told_and_another_may_pay(
    sandbox: Driver, receiver: Receiver, card: str, code: str, reason: str
) -> None:
    intent = await sandbox.intent()
    with pytest.raises(stripe.CardError) as declined:
        await sandbox.confirm(intent.id, card)
    assert declined.value.http_status == 402
    assert declined.value.error is not None
    assert (declined.value.code, declined.value.error.decline_code) == (code, reason)
    left = await sandbox.stripe.payment_intents.retrieve_async(intent.id)
    assert (left.status, left.payment_method) == ("requires_payment_method", None)
    assert left.last_payment_error is not None
    assert left.last_payment_error.code == code
    await receiver.wait_for(intent.id, "payment_intent.payment_failed")
    await receiver.wait_for(intent.id, "charge.failed")
    assert (await sandbox.totals(intent.id))["charges"] == 0
    assert (await sandbox.confirm(intent.id)).last_payment_error is None
    assert (await sandbox.totals(intent.id))["charges"] == 1


async def test_a_paid_intent_is_not_paid_again(sandbox: Driver) -> None:
    intent = await sandbox.paid()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert (await sandbox.totals(intent.id))["charges"] == 1


async def test_a_hold_is_captured_in_part_and_only_once(sandbox: Driver, receiver: Receiver) -> None:
    held = await sandbox.paid(5000, capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 5000, 0)
    await receiver.wait_for(held.id, "payment_intent.amount_capturable_updated")
    capture = sandbox.stripe.payment_intents.capture_async
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        await capture(held.id, {"amount_to_capture": 5001})
    assert too_much.value.code == "amount_too_large"
    captured = await capture(held.id, {"amount_to_capture": 3000})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 3000, 0)
    with pytest.raises(stripe.InvalidRequestError) as again:
        await capture(held.id)
    assert again.value.code == "payment_intent_unexpected_state"
    totals = await sandbox.totals(held.id)
    assert (totals["authorizations"], totals["charges"], totals["charged"]) == (1, 1, 3000)


async def test_a_cancelled_hold_moves_no_money(sandbox: Driver, receiver: Receiver) -> None:
    held = await sandbox.paid(capture_method="manual")
    params: Any = {"cancellation_reason": "requested_by_customer"}
    gone = await sandbox.stripe.payment_intents.cancel_async(held.id, params)
    assert (gone.status, gone.cancellation_reason) == ("canceled", "requested_by_customer")
    await receiver.wait_for(held.id, "payment_intent.canceled")
    await receiver.wait_for(held.id, "charge.refunded")
    totals = await sandbox.totals(held.id)
    assert (totals["releases"], totals["charges"], totals["net"]) == (1, 0, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.confirm(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_a_paid_intent_cannot_be_cancelled(sandbox: Driver) -> None:
    intent = await sandbox.paid()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.stripe.payment_intents.cancel_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_a_hold_lives_a_week(sandbox: Driver, receiver: Receiver) -> None:
    held = await sandbox.paid(capture_method="manual", expand=["latest_charge"])
    charge: Any = held.latest_charge
    assert charge.payment_method_details.card.capture_before == charge.created + WEEK
    await sandbox.control("PUT", "clock", offset_seconds=WEEK - 60)
    assert (await sandbox.stripe.payment_intents.retrieve_async(held.id)).status == "requires_capture"
    await sandbox.control("PUT", "clock", offset_seconds=WEEK + 60)
    late = await sandbox.stripe.payment_intents.retrieve_async(held.id)
    assert (late.status, late.cancellation_reason) == ("canceled", "automatic")
    await receiver.wait_for(held.id, "charge.expired")


@pytest.mark.parametrize(("succeeds", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
async def test_a_card_may_ask_for_3d_secure(sandbox: Driver, receiver: Receiver, succeeds: bool, status: str) -> None:
    intent = await sandbox.intent()
    asked = await sandbox.confirm(intent.id, "pm_card_authenticationRequired", return_url="https://shop.example/done")
    assert asked.status == "requires_action"
    assert asked.next_action is not None
    assert asked.next_action.type == "redirect_to_url"
    await receiver.wait_for(intent.id, "payment_intent.requires_action")
    assert (await sandbox.totals(intent.id))["charges"] == 0
    await sandbox.control("POST", f"payment_intents/{intent.id}/authenticate", succeeds=succeeds)
    after = await sandbox.stripe.payment_intents.retrieve_async(intent.id)
    assert (after.status, after.next_action) == (status, None)
    assert (await sandbox.totals(intent.id))["charges"] == int(succeeds)
    if not succeeds:
        assert after.last_payment_error is not None
        assert after.last_payment_error.code == "payment_intent_authentication_failure"


async def test_a_customers_client_pays_with_the_intents_secret_only(sandbox: Driver) -> None:
    intent = await sandbox.intent(metadata={"note": "ours"})
    path = f"/v1/payment_intents/{intent.id}/confirm"
    form = {"key": PUBLISHABLE_KEY, "payment_method": "pm_card_visa"}
    assert (await sandbox.http.post(path, data=form)).status_code == 400
    wrong = await sandbox.http.post(path, data={**form, "client_secret": f"{intent.id}_secret_guessed"})
    assert wrong.json()["error"]["param"] == "client_secret"
    paid = await sandbox.http.post(path, data={**form, "client_secret": str(intent.client_secret)})
    assert (paid.status_code, paid.json()["status"]) == (200, "succeeded")
    assert "metadata" not in paid.json()
    theirs = {"key": PUBLISHABLE_KEY, "amount": "100", "currency": "usd"}
    refused = await sandbox.http.post("/v1/payment_intents", data=theirs)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "secret_key_required")


async def test_a_card_kept_for_a_customer_can_be_charged_without_them(sandbox: Driver) -> None:
    customer = await sandbox.stripe.customers.create_async({"email": "ada@example.org"})
    first = await sandbox.paid(customer=customer.id, setup_future_usage="off_session")
    method = str(first.payment_method)
    params: Any = {"customer": customer.id, "payment_method": method, "off_session": True, "confirm": True}
    assert (await sandbox.intent(**params)).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        await sandbox.intent(payment_method=method)


async def test_a_bank_that_must_be_asked_declines_without_the_customer(sandbox: Driver) -> None:
    with pytest.raises(stripe.CardError) as declined:
        await sandbox.intent(confirm=True, off_session=True, payment_method="pm_card_authenticationRequired")
    assert declined.value.code == "authentication_required"


async def test_an_intent_that_may_redirect_wants_a_return_url(sandbox: Driver) -> None:
    intent = await sandbox.stripe.payment_intents.create_async({"amount": 5000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        await sandbox.confirm(intent.id)
    assert (await sandbox.confirm(intent.id, return_url="https://shop.example/")).status == "succeeded"


async def test_what_is_to_be_paid_changes_only_before_it_is_paid(sandbox: Driver) -> None:
    intent = await sandbox.intent(5000, metadata={"keep": "1", "drop": "2"})
    update = sandbox.stripe.payment_intents.update_async
    changed = await update(intent.id, {"amount": 6000, "metadata": {"drop": "", "new": "3"}})
    assert (changed.amount, changed.metadata.to_dict()) == (6000, {"keep": "1", "new": "3"})
    assert (await sandbox.confirm(intent.id)).amount_received == 6000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await update(intent.id, {"amount": 1000})
    assert refused.value.code == "payment_intent_unexpected_state"
    assert (await update(intent.id, {"metadata": {"new": "4"}})).metadata["new"] == "4"
