"""Transfers to connected accounts: out of what is available, to whom can be paid, once per key."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from .driver import Driver
from .receiver import Receiver
from .test_stripe_accounts import onboarded

TWO_DAYS = 2 * 24 * 3600
AT_ONCE = "pm_card_bypassPending"


async def usd(sandbox: Driver) -> tuple[int, int]:
    """What is available and what is pending."""
    balance = await sandbox.stripe.balance.retrieve_async()
    both = [
        next((one.amount for one in sums if one.currency == "usd"), 0) for sums in (balance.available, balance.pending)
    ]
    return both[0], both[1]


def form_of(account: str, amount: int, **more: Any) -> Any:
    return {"amount": amount, "currency": "usd", "destination": account, **more}


async def test_a_transfer_is_found_by_its_group_and_leaves_the_balance(
    own_sandbox: Driver, own_receiver: Receiver
) -> None:
    await own_sandbox.paid(5000, payment_method=AT_ONCE)
    account = await onboarded(own_sandbox)
    before, _ = await usd(own_sandbox)
    made = await own_sandbox.stripe.transfers.create_async(
        form_of(account, 3000, transfer_group="7-1", metadata={"mdh_reference": "7-1"})
    )
    assert await usd(own_sandbox) == (before - 3000, 0)
    page = await own_sandbox.stripe.transfers.list_async({"transfer_group": "7-1"})
    assert [(one.id, one.amount, one.destination) for one in page.data] == [(made.id, 3000, account)]
    assert (await own_sandbox.stripe.transfers.list_async({"transfer_group": "8-1"})).data == []
    assert (await own_sandbox.stripe.transfers.retrieve_async(made.id)).metadata.to_dict() == {"mdh_reference": "7-1"}
    await own_receiver.wait_for(made.id, "transfer.created", 1)
    [written] = (await own_sandbox.http.get("/_sandbox/ledger")).json()["transfers"]
    assert (written["transfer"], written["amount"], written["transfer_group"]) == (made.id, 3000, "7-1")


async def test_what_was_paid_is_available_after_two_days_and_what_goes_out_is_gone_at_once(own_sandbox: Driver) -> None:
    paid = await own_sandbox.paid(5000)
    account = await onboarded(own_sandbox)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await own_sandbox.stripe.transfers.create_async(form_of(account, 100))
    assert refused.value.code == "balance_insufficient"
    await own_sandbox.control("PUT", "clock", offset_seconds=TWO_DAYS)
    before, _ = await usd(own_sandbox)
    await own_sandbox.stripe.refunds.create_async({"payment_intent": paid.id, "amount": 1000})
    assert await usd(own_sandbox) == (before - 1000, 0)
    await own_sandbox.stripe.transfers.create_async(form_of(account, before - 1000))
    assert await usd(own_sandbox) == (0, 0)


async def test_in_parallel_no_more_is_given_away_than_there_is(own_sandbox: Driver) -> None:
    await own_sandbox.paid(1000, payment_method=AT_ONCE)  # 59 of it are the fee
    account = await onboarded(own_sandbox)
    tries = (own_sandbox.post("/v1/transfers", **form_of(account, 300)) for _ in range(10))
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [400] * 7
    assert await usd(own_sandbox) == (1000 - 59 - 900, 0)


async def test_an_account_that_is_not_complete_is_given_nothing(sandbox: Driver) -> None:
    await sandbox.paid(payment_method=AT_ONCE)
    for account in (await onboarded(sandbox, "incomplete"), "acct_nowhere"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await sandbox.stripe.transfers.create_async(form_of(account, 100))
        assert refused.value.code in ("insufficient_capabilities_for_transfer", "resource_missing")


async def test_the_same_key_gives_no_second_time_when_the_answer_was_lost(own_sandbox: Driver) -> None:
    await own_sandbox.paid(payment_method=AT_ONCE)
    form = form_of(await onboarded(own_sandbox), 100)
    await own_sandbox.break_next("transfers.create", "drop")
    with pytest.raises(httpx.TransportError):
        await own_sandbox.post("/v1/transfers", key="once", **form)
    again = [(await own_sandbox.post("/v1/transfers", key="once", **form)).json()["id"] for _ in range(2)]
    assert [one.id for one in (await own_sandbox.stripe.transfers.list_async()).data] == [again[0]] == [again[1]]


async def test_what_is_on_the_account_is_what_moved_less_fees(own_sandbox: Driver) -> None:
    """2.9 % and 30 cents of each charge, half a cent counting as one; a refund does not bring them back."""
    intents = [await own_sandbox.paid(amount, payment_method=AT_ONCE) for amount in (500, 5000, 18_900)]
    await own_sandbox.stripe.refunds.create_async({"payment_intent": intents[1].id, "amount": 1000})
    await own_sandbox.http.post(f"/_sandbox/payment_intents/{intents[2].id}/dispute", json={})
    await own_sandbox.stripe.transfers.create_async(form_of(await onboarded(own_sandbox), 200))
    ledger = (await own_sandbox.http.get("/_sandbox/ledger")).json()
    fees = 45 + 175 + 578 + 1500
    assert (ledger["net"], ledger["fees"], ledger["balance"]) == ({"usd": 4500}, {"usd": fees}, {"usd": 4300 - fees})
    assert await usd(own_sandbox) == (4300 - fees, 0)
