"""Affiliates with an account that can be paid, money that they have earned, and the day on which it leaves."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from services.payments.commands import accounts, ledger, payouts
from services.payments.domain.ledger import Account, Journal, Posting
from services.payments.domain.life import Purpose
from services.payments.domain.payout import Payout, PayoutItem
from services.payments.domain.payout_account import PayoutAccount
from services.payments.queries.ledger import payable_to
from shared.clock import frozen, now

from .conftest import AFFILIATE, PRICE, Till, applied, completed

AT_ONCE = "pm_card_bypassPending"  # the money can be given away at once
COMMISSION = 2_835
SHARE = PRICE - COMMISSION
HOLD = timedelta(days=7)
LOOKED_AT_LONG_AGO = text("update payout_accounts set payouts_checked_at = now() - interval '2 hours'")


async def has_account(till: Till, affiliate_id: int = AFFILIATE) -> str:
    """One whose owner has told the provider all that it wants to know; its id there."""
    await till.deliver(applied(affiliate_id=affiliate_id))
    await till.work()
    stripe_id = (await account(till, affiliate_id)).stripe_account_id
    assert stripe_id is not None
    await tells(till, stripe_id, "complete")
    return stripe_id


async def tells(till: Till, stripe_id: str, outcome: str) -> None:
    pages = {"return_url": "https://a.example", "refresh_url": "https://a.example"}
    form: Any = {"account": stripe_id, "type": "account_onboarding", **pages}
    link = await till.sandbox.stripe.account_links.create_async(form)
    await till.sandbox.http.post(link.url, data={"outcome": outcome})
    async with till.database.begin() as session:
        found = select(PayoutAccount.id).where(PayoutAccount.stripe_account_id == stripe_id)
        account_id = (await session.scalars(found)).one()
    await accounts.check_account(till.outside, payout_account_id=account_id)


async def account(till: Till, affiliate_id: int = AFFILIATE) -> PayoutAccount:
    async with till.database.begin() as session:
        of = select(PayoutAccount).where(PayoutAccount.affiliate_id == affiliate_id)
        return (await session.scalars(of)).one()


async def paid(till: Till, intent_id: str, card: str = AT_ONCE) -> None:
    await till.sandbox.confirm(intent_id, card)
    await till.hand_on(intent_id, "payment_intent.succeeded")


async def earned(till: Till, booking_id: int = 1, card: str = AT_ONCE, **more: Any) -> str:
    """A job that was paid for and is done; its intent's id."""
    intent_id = await till.ready(booking_id, **more)
    await paid(till, intent_id, card)
    await till.hear(completed(booking_id, **more))
    return intent_id


async def payday(till: Till, after: timedelta = HOLD) -> None:
    """What a worker does then."""
    async with till.database.begin() as session:
        await session.execute(LOOKED_AT_LONG_AGO)
    with frozen(now() + after):
        await payouts.make_payouts(till.outside)
        await till.work()


async def made(till: Till) -> list[Payout]:
    async with till.database.begin() as session:
        return list(await session.scalars(select(Payout).order_by(Payout.id)))


async def items(till: Till) -> list[int]:
    async with till.database.begin() as session:
        return list(await session.scalars(select(PayoutItem.amount_cents).order_by(PayoutItem.id)))


async def arrived(till: Till, stripe_id: str) -> list[int]:
    """What an account was given, by the provider's own ledger."""
    moved = (await till.sandbox.http.get("/_sandbox/ledger")).json()["transfers"]
    return [one["amount"] for one in moved if one["destination"] == stripe_id]


async def owed(till: Till, affiliate_id: int = AFFILIATE) -> int:
    """By the books, which are right."""
    async with till.database.begin() as session:
        assert await ledger.faults(session) == []
        return (await payable_to(session, affiliate_id)).get("USD", 0)


async def posted(till: Till, payout_id: int) -> dict[Account, int]:
    async with till.database.begin() as session:
        of = select(Posting).join(Journal, Journal.id == Posting.journal_id).where(Journal.payout_id == payout_id)
        return {one.account: one.amount_cents for one in await session.scalars(of)}


async def paid_tip(till: Till, booking_id: int) -> None:
    await paid(till, await till.intent_id(booking_id, Purpose.TIP))


async def drain(till: Till) -> None:
    """Nothing is left that could be given away."""
    balance = await till.sandbox.stripe.balance.retrieve_async()
    left = sum(one.amount for one in balance.available if one.currency == "usd")
    if left > 0:
        sink = await till.sandbox.stripe.accounts.create_async(
            {"type": "express", "capabilities": {"transfers": {"requested": True}}}
        )
        pages = {"return_url": "https://a.example", "refresh_url": "https://a.example"}
        form: Any = {"account": sink.id, "type": "account_onboarding", **pages}
        link = await till.sandbox.stripe.account_links.create_async(form)
        await till.sandbox.http.post(link.url, data={"outcome": "complete"})
        await till.sandbox.stripe.transfers.create_async({"amount": left, "currency": "usd", "destination": sink.id})
