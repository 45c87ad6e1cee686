"""The ways in which the provider fails, and what each of them leaves behind."""

import httpx
import pytest
import stripe

from .driver import Driver

CONFIRM = "payment_intents.confirm"


@pytest.mark.parametrize(("effect", "charges"), [(True, 1), (False, 0)])
async def test_an_answer_gets_lost(sandbox: Driver, effect: bool, charges: int) -> None:
    intent = await sandbox.intent()
    await sandbox.break_next(CONFIRM, "drop", effect=effect)
    with pytest.raises(stripe.APIConnectionError):
        await sandbox.confirm(intent.id)
    assert (await sandbox.totals(intent.id))["charges"] == charges


async def test_a_lost_answer_is_found_again_by_its_key(sandbox: Driver) -> None:
    intent = await sandbox.intent()
    path = f"/v1/payment_intents/{intent.id}/confirm"
    await sandbox.break_next(CONFIRM, "drop", times=2)
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            await sandbox.post(path, "lost", payment_method="pm_card_visa")
    found = await sandbox.post(path, "lost", payment_method="pm_card_visa")
    assert (found.json()["status"], found.headers["Idempotent-Replayed"]) == ("succeeded", "true")
    assert (await sandbox.totals(intent.id))["charges"] == 1


@pytest.mark.parametrize(("effect", "charges"), [(True, 1), (False, 0)])
async def test_an_answer_does_not_come(sandbox: Driver, effect: bool, charges: int) -> None:
    intent = await sandbox.intent()
    await sandbox.break_next(CONFIRM, "hang", effect=effect)
    path, form = f"/v1/payment_intents/{intent.id}/confirm", {"payment_method": "pm_card_visa"}
    with pytest.raises(httpx.ReadTimeout):
        await sandbox.http.post(path, data=form, headers={"Authorization": "Bearer sk_test_suite"}, timeout=0.5)
    assert (await sandbox.totals(intent.id))["charges"] == charges


async def test_too_many_requests_and_a_passing_500_change_nothing(sandbox: Driver) -> None:
    intent = await sandbox.intent()
    await sandbox.break_next("payment_intents.*", "429")
    with pytest.raises(stripe.RateLimitError):
        await sandbox.confirm(intent.id)
    await sandbox.break_next("*", "500")
    with pytest.raises(stripe.APIError):
        await sandbox.confirm(intent.id)
    assert (await sandbox.confirm(intent.id)).status == "succeeded"
    assert (await sandbox.totals(intent.id))["charges"] == 1


async def test_a_fault_hits_the_calls_it_names_as_often_as_it_says(sandbox: Driver) -> None:
    await sandbox.break_next("refunds.create", "500", times=2)
    paid = await sandbox.paid()
    statuses = [(await sandbox.post("/v1/refunds", payment_intent=paid.id)).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert await sandbox.control("GET", "faults") == []
