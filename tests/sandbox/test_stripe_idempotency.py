"""Idempotency keys: one effect, one answer, for a day."""

import asyncio
import json
from typing import Any

import pytest
import stripe

from .driver import Driver

FORM: dict[str, Any] = {"amount": 5000, "currency": "usd", "payment_method_types[]": "card"}
PAID = {**FORM, "confirm": "true", "payment_method": "pm_card_visa"}
DAY = 24 * 3600


async def test_the_same_request_gets_the_same_bytes(sandbox: Driver) -> None:
    first = await sandbox.post("/v1/payment_intents", "same-bytes", **PAID)
    again = await sandbox.post("/v1/payment_intents", "same-bytes", **PAID)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert (await sandbox.totals(first.json()["id"]))["charges"] == 1


async def test_a_key_is_for_one_request(sandbox: Driver) -> None:
    await sandbox.post("/v1/payment_intents", "one-request", **FORM)
    params: stripe.params.PaymentIntentCreateParams = {"amount": 5001, "currency": "usd"}
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refused:
        await sandbox.stripe.payment_intents.create_async(params, {"idempotency_key": "one-request"})
    assert refused.value.http_status == 400
    other = await sandbox.post("/v1/payment_methods", "one-request", **FORM)
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    assert "same endpoint" in other.json()["error"]["message"]


async def test_in_parallel_there_is_one_effect(sandbox: Driver) -> None:
    answers = await asyncio.gather(*(sandbox.post("/v1/payment_intents", "parallel", **PAID) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    made = {answer.content for answer in answers if answer.status_code == 200}
    assert len(made) == 1
    assert (await sandbox.totals(json.loads(made.pop())["id"]))["charges"] == 1


async def test_while_the_first_is_under_way_the_others_are_told_so(sandbox: Driver) -> None:
    await sandbox.break_next("payment_intents.create", "hang", effect=False)
    first = asyncio.create_task(sandbox.post("/v1/payment_intents", "busy", **PAID))
    await _until_used_up(sandbox)
    others = await asyncio.gather(*(sandbox.post("/v1/payment_intents", "busy", **PAID) for _ in range(5)))
    assert [answer.status_code for answer in others] == [409] * 5
    error = others[0].json()["error"]
    assert (error["type"], error["code"]) == ("idempotency_error", "idempotency_key_in_use")
    first.cancel()
    assert await _answered_at_last(sandbox, "busy") == 200


async def _until_used_up(sandbox: Driver) -> None:
    """A fault is used up by the call it hits, which is under way from then on."""
    async with asyncio.timeout(10):
        while await sandbox.control("GET", "faults"):
            await asyncio.sleep(0.02)


async def _answered_at_last(sandbox: Driver, key: str) -> int:
    """The status once the key is free: the sandbox needs a moment to see that its caller has gone."""
    async with asyncio.timeout(10):
        while (answer := await sandbox.post("/v1/payment_intents", key, **PAID)).status_code == 409:
            await asyncio.sleep(0.02)
    return answer.status_code


async def test_a_key_is_forgotten_after_a_day(sandbox: Driver) -> None:
    first = await sandbox.post("/v1/payment_intents", "a-day", **FORM)
    await sandbox.control("PUT", "clock", advance_seconds=DAY - 60)
    assert (await sandbox.post("/v1/payment_intents", "a-day", **FORM)).content == first.content
    await sandbox.control("PUT", "clock", advance_seconds=120)
    assert (await sandbox.post("/v1/payment_intents", "a-day", **FORM)).json()["id"] != first.json()["id"]


async def test_a_decline_is_kept(sandbox: Driver) -> None:
    intent = await sandbox.intent()
    path = f"/v1/payment_intents/{intent.id}/confirm"
    first = await sandbox.post(path, "declined", payment_method="pm_card_chargeDeclined")
    again = await sandbox.post(path, "declined", payment_method="pm_card_chargeDeclined")
    assert (first.status_code, again.content) == (402, first.content)
    assert len((await sandbox.stripe.charges.list_async({"payment_intent": intent.id})).data) == 1


async def test_what_was_turned_away_is_not_kept(sandbox: Driver) -> None:
    refused = await sandbox.post("/v1/payment_intents", "turned-away", amount="many", currency="usd")
    assert refused.status_code == 400
    assert (await sandbox.post("/v1/payment_intents", "turned-away", **FORM)).status_code == 200


@pytest.mark.parametrize(("effect", "charges"), [(False, 0), (True, 1)])
async def test_a_stored_500_stays_a_500(sandbox: Driver, effect: bool, charges: int) -> None:
    intent = await sandbox.intent()
    path, key = f"/v1/payment_intents/{intent.id}/confirm", f"stored-{effect}"
    await sandbox.break_next("payment_intents.confirm", "500-stored", effect=effect)
    for replayed in (None, "true"):
        answer = await sandbox.post(path, key, payment_method="pm_card_visa")
        assert (answer.status_code, answer.json()["error"]["type"]) == (500, "api_error")
        assert answer.headers.get("Idempotent-Replayed") == replayed
    assert (await sandbox.totals(intent.id))["charges"] == charges
