"""Webhooks: signed, repeated until they are taken, there again after a crash."""

import asyncio
import time

import pytest
import stripe

from .driver import Driver
from .process import WEBHOOK_SECRET, SandboxProcess
from .receiver import Received, Receiver

SUCCEEDED = "payment_intent.succeeded"


def verified(received: Received, body: bytes | None = None, secret: str = WEBHOOK_SECRET) -> stripe.Event:
    return stripe.Webhook.construct_event(body or received.body, received.signature, secret)  # type: ignore[no-any-return]


async def test_the_official_library_verifies_the_signature(sandbox: Driver, receiver: Receiver) -> None:
    paid = await sandbox.paid()
    (received,) = await receiver.wait_for(paid.id, SUCCEEDED)
    event = verified(received)
    assert (event.type, event.data.object["id"], event.api_version) == (SUCCEEDED, paid.id, stripe.api_version)
    changed = received.body.replace(b'"amount": 5000', b'"amount": 5001')
    assert changed != received.body
    for body, secret in ((changed, WEBHOOK_SECRET), (received.body, "whsec_other")):
        with pytest.raises(stripe.SignatureVerificationError):
            verified(received, body, secret)


async def test_an_event_is_sent_until_it_is_taken(sandbox: Driver, receiver: Receiver) -> None:
    await sandbox.control("PUT", "webhooks", hold=True)
    paid = await sandbox.paid()
    assert receiver.about(paid.id) == []
    receiver.answers.extend([500, 503, 302])
    await sandbox.control("POST", "webhooks/release", gap_seconds=0)
    await receiver.until(lambda: len(receiver.about(paid.id)) >= 6)
    events = await sandbox.stripe.events.list_async({"types": [SUCCEEDED, "charge.succeeded"]})
    assert {event.type for event in events.data} == {SUCCEEDED, "charge.succeeded"}
    deliveries = [delivery for one in receiver.about(paid.id) for delivery in await _deliveries(sandbox, one)]
    assert {delivery["state"] for delivery in deliveries} == {"delivered"}


async def _deliveries(sandbox: Driver, received: Received) -> list[dict[str, object]]:
    """The deliveries of an event, once the sandbox has written down that they were answered."""
    async with asyncio.timeout(10):
        while True:
            response = await sandbox.http.get("/_sandbox/deliveries", params={"event": received.event["id"]})
            found: list[dict[str, object]] = response.json()
            if all(delivery["state"] == "delivered" for delivery in found):
                return found
            await asyncio.sleep(0.05)


async def test_a_crash_before_the_delivery_does_not_lose_the_event(
    own_process: SandboxProcess, own_sandbox: Driver, own_receiver: Receiver
) -> None:
    await own_receiver.close()
    paid = await own_sandbox.paid()
    own_process.kill()
    await own_receiver.open()
    assert own_receiver.received == []
    await own_process.start()
    (received,) = await own_receiver.wait_for(paid.id, SUCCEEDED)
    assert verified(received).data.object["id"] == paid.id
    assert (await own_sandbox.totals(paid.id))["charges"] == 1


async def test_a_crash_loses_nothing_that_was_answered(own_process: SandboxProcess, own_sandbox: Driver) -> None:
    form = {"amount": 5000, "currency": "usd", "payment_method_types[]": "card", "confirm": "true"}
    form["payment_method"] = "pm_card_visa"
    answered: dict[str, bytes] = {}

    async def pay(number: int) -> None:
        response = await own_sandbox.post("/v1/payment_intents", f"crash-{number}", **form)
        answered[f"crash-{number}"] = response.content

    payments = [asyncio.create_task(pay(number)) for number in range(200)]
    async with asyncio.timeout(20):
        while len(answered) < 20:
            await asyncio.sleep(0.001)
    own_process.kill()
    await asyncio.gather(*payments, return_exceptions=True)
    assert 20 <= len(answered) < 200
    await own_process.start()
    for key, body in answered.items():
        again = await own_sandbox.post("/v1/payment_intents", key, **form)
        assert (again.headers["Idempotent-Replayed"], again.content) == ("true", body)


async def test_events_come_twice_and_in_reverse_when_asked_to(sandbox: Driver, receiver: Receiver) -> None:
    await sandbox.control("PUT", "webhooks", hold=True, copies=2)
    paid = await sandbox.paid()
    await sandbox.control("POST", "webhooks/release", order="reverse", gap_seconds=0.1)
    await receiver.until(lambda: len(receiver.about(paid.id)) == 6)
    kinds = [one.event["type"] for one in receiver.about(paid.id)]
    assert kinds == [kind for kind in (SUCCEEDED, "charge.succeeded", "payment_intent.created") for _ in range(2)]


async def test_an_event_is_delayed(sandbox: Driver, receiver: Receiver) -> None:
    await sandbox.control("PUT", "webhooks", delay=0.7)
    start = time.monotonic()
    paid = await sandbox.paid()
    await receiver.wait_for(paid.id, SUCCEEDED)
    assert time.monotonic() - start >= 0.7


async def test_an_event_is_sent_again_forged_and_from_the_future(sandbox: Driver, receiver: Receiver) -> None:
    paid = await sandbox.paid()
    (first,) = await receiver.wait_for(paid.id, SUCCEEDED)
    event = first.event["id"]
    await sandbox.control("POST", "webhooks/resend", event=event)
    assert verified((await receiver.wait_for(paid.id, SUCCEEDED, 2))[1]).id == event
    await sandbox.control("POST", "webhooks/resend", event=event, tampered=True)
    with pytest.raises(stripe.SignatureVerificationError):
        verified((await receiver.wait_for(paid.id, SUCCEEDED, 3))[2])
    await sandbox.control("POST", "webhooks/resend", event=event, skew_seconds=3600)
    late = (await receiver.wait_for(paid.id, SUCCEEDED, 4))[3]
    assert int(late.signature.partition(",")[0].removeprefix("t=")) > time.time() + 3000


async def test_events_can_be_read_back(sandbox: Driver, receiver: Receiver) -> None:
    before = await sandbox.paid()
    paid = await sandbox.paid()
    (received,) = await receiver.wait_for(paid.id, SUCCEEDED)
    listed = await sandbox.stripe.events.list_async({"type": SUCCEEDED, "limit": 2})
    assert [event.data.object["id"] for event in listed.data] == [paid.id, before.id]
    older = await sandbox.stripe.events.list_async({"type": SUCCEEDED, "created": {"lt": listed.data[1].created}})
    assert not {paid.id, before.id} & {event.data.object["id"] for event in older.data}
    one = await sandbox.stripe.events.retrieve_async(received.event["id"])
    assert one.data.object["id"] == paid.id
