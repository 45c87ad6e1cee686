"""Keeping a card for later: with the holder there, without money, and what becomes of it when it is charged."""

from typing import Any

import pytest
import stripe

from .driver import Driver
from .process import PUBLISHABLE_KEY
from .receiver import Receiver
from .test_stripe_pages import pay


async def setup_for(sandbox: Driver, **more: Any) -> tuple[str, stripe.SetupIntent]:
    customer = (await sandbox.stripe.customers.create_async()).id
    params: Any = {"customer": customer, "payment_method_types": ["card"], **more}
    return customer, await sandbox.stripe.setup_intents.create_async(params)


async def kept(sandbox: Driver, card: str) -> tuple[str, str]:
    """A customer and the method that is theirs now."""
    customer, setup = await setup_for(sandbox, confirm=True, payment_method=card)
    if setup.status == "requires_action":
        await sandbox.control("POST", f"setup_intents/{setup.id}/authenticate", succeeds=True)
    return customer, str((await sandbox.stripe.setup_intents.retrieve_async(setup.id)).payment_method)


async def charged(sandbox: Driver, customer: str, method: str, **more: Any) -> stripe.PaymentIntent:
    params: Any = {"customer": customer, "payment_method": method, "off_session": True, "confirm": True, **more}
    return await sandbox.intent(**params)


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_authenticationRequiredOnSetup"])
async def test_a_card_that_was_kept_is_charged_without_its_holder(
    sandbox: Driver, receiver: Receiver, card: str
) -> None:
    customer, method = await kept(sandbox, card)
    assert (await charged(sandbox, customer, method)).status == "succeeded"
    held = await charged(sandbox, customer, method, capture_method="manual")
    assert (held.status, held.amount_capturable) == ("requires_capture", 5000)
    with pytest.raises(stripe.InvalidRequestError, match="off_session"):
        await charged(sandbox, customer, method, setup_future_usage="off_session")


@pytest.mark.parametrize(
    ("card", "code"),
    [("pm_card_chargeCustomerFail", "card_declined"), ("pm_card_authenticationRequired", "authentication_required")],
)
async def test_some_cards_are_kept_and_then_declined(sandbox: Driver, card: str, code: str) -> None:
    customer, method = await kept(sandbox, card)
    with pytest.raises(stripe.CardError) as declined:
        await charged(sandbox, customer, method)
    assert declined.value.code == code


async def test_a_declined_card_is_not_kept_and_another_is(sandbox: Driver, receiver: Receiver) -> None:
    customer, setup = await setup_for(sandbox)
    with pytest.raises(stripe.CardError):
        await sandbox.stripe.setup_intents.confirm_async(setup.id, {"payment_method": "pm_card_chargeDeclined"})
    await receiver.wait_for(setup.id, "setup_intent.setup_failed")
    left = await sandbox.stripe.setup_intents.retrieve_async(setup.id)
    assert (left.status, bool(left.last_setup_error)) == ("requires_payment_method", True)
    done = await sandbox.stripe.setup_intents.confirm_async(setup.id, {"payment_method": "pm_card_visa"})
    assert (done.status, done.last_setup_error) == ("succeeded", None)
    await receiver.wait_for(setup.id, "setup_intent.succeeded")
    for again in (sandbox.stripe.setup_intents.confirm_async, sandbox.stripe.setup_intents.cancel_async):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await again(setup.id)
        assert refused.value.code == "setup_intent_unexpected_state"
    assert (await sandbox.stripe.payment_methods.list_async({"customer": customer})).data[0].id == done.payment_method


async def test_whom_the_bank_does_not_know_keeps_no_card(sandbox: Driver) -> None:
    _, setup = await setup_for(sandbox, confirm=True, payment_method="pm_card_authenticationRequired")
    await sandbox.control("POST", f"setup_intents/{setup.id}/authenticate", succeeds=False)
    left = await sandbox.stripe.setup_intents.retrieve_async(setup.id)
    assert (left.status, left.last_setup_error is None) == ("requires_payment_method", False)
    assert left.last_setup_error is not None
    assert left.last_setup_error.code == "setup_intent_authentication_failure"


async def test_a_method_that_was_detached_is_nobodys(sandbox: Driver) -> None:
    customer, method = await kept(sandbox, "pm_card_visa")
    gone = await sandbox.stripe.payment_methods.detach_async(method)
    assert (gone.id, gone.customer) == (method, None)
    assert (await sandbox.stripe.payment_methods.list_async({"customer": customer})).data == []
    for again in (charged(sandbox, customer, method), sandbox.stripe.payment_methods.detach_async(method)):
        with pytest.raises(stripe.InvalidRequestError):
            await again


async def test_a_customers_client_keeps_a_card_with_the_setups_secret_only(sandbox: Driver) -> None:
    _, setup = await setup_for(sandbox, metadata={"note": "ours"})
    path = f"/v1/setup_intents/{setup.id}/confirm"
    form = {"key": PUBLISHABLE_KEY, "payment_method": "pm_card_visa"}
    assert (await sandbox.http.post(path, data=form)).status_code == 400
    done = await sandbox.http.post(path, data={**form, "client_secret": str(setup.client_secret)})
    assert (done.status_code, done.json()["status"], done.json().keys() & {"metadata", "customer"}) == (
        200, "succeeded", set(),
    )  # fmt: skip


async def test_a_person_keeps_a_card_and_authorises_a_payment(sandbox: Driver) -> None:
    _, setup = await setup_for(sandbox)
    secret = str(setup.client_secret)
    assert "Your card was declined." in (await pay(sandbox, setup.id, secret, "declined")).text
    bank = await pay(sandbox, setup.id, secret, "asks", "https://shop.example/done")
    assert ("this card to be kept" in bank.text, "Authentication" in bank.text) == (True, False)
    form = {"client_secret": secret, "outcome": "complete"}
    after = await sandbox.http.post(f"/pay/{setup.id}/authenticate", data=form, follow_redirects=True)
    assert ("Kept." in after.text, setup.id in (await sandbox.http.get("/")).text) == (True, True)
    held = await sandbox.intent(capture_method="manual")
    done = await pay(sandbox, held.id, str(held.client_secret), "visa")
    assert "The amount is held and charged later." in done.text
