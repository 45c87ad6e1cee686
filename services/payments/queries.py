"""Every read of payments, and every lock."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, cast, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.errors import Forbidden

from .domain.ledger import Account, Balance, Journal, Posting
from .domain.payment import TAKEN, NoSuchPayment, Payment, Status
from .domain.payout_account import AccountStatus, NoSuchAccount, PayoutAccount
from .domain.provider import Intent, ProviderRefund
from .domain.refund import Refund, RefundStatus
from .domain.webhook import NoSuchWebhook, Outcome, Webhook

BATCH = 1_000
QUIET = timedelta(minutes=5)  # without news for so long, we ask the provider

QUIET_ACCOUNT = timedelta(hours=1)  # people fill in forms at their own pace


class NotYourBooks(Forbidden):
    """Only the affiliate's owner and managers, and staff, see what it is to be paid."""


async def get_payment(session: AsyncSession, payment_id: int, *, lock: bool = False) -> Payment:
    payment = await session.get(Payment, payment_id, with_for_update=lock or None)
    if payment is None:
        raise NoSuchPayment
    return payment


async def payment_for(session: AsyncSession, actor: Actor, payment_id: int) -> Payment:
    """A payment that this actor may see; to all others it does not exist."""
    return _visible(await session.get(Payment, payment_id), actor)


async def payment_of_booking(session: AsyncSession, actor: Actor, booking_id: int) -> Payment:
    """The same by its booking; it shows once the provider is ready, so that whoever waits for it can pay."""
    ready = select(Payment).where(Payment.booking_id == booking_id, Payment.status != Status.PENDING)
    return _visible(await session.scalar(ready), actor)


def _visible(payment: Payment | None, actor: Actor) -> Payment:
    if payment is None or not payment.may_be_seen_by(actor):
        raise NoSuchPayment
    return payment


async def lock_payment_of(session: AsyncSession, booking_id: int) -> Payment | None:
    return await session.scalar(select(Payment).where(Payment.booking_id == booking_id).with_for_update())


async def lock_payment_behind(session: AsyncSession, intent: Intent) -> Payment | None:
    """By the intent's id; by our reference in it, if we do not know the id."""
    of = select(Payment).with_for_update()
    known = await session.scalar(of.where(Payment.stripe_payment_intent_id == intent.id))
    if known is not None or intent.reference is None:
        return known
    return await session.scalar(of.where(Payment.reference == intent.reference))


async def lock_refund_behind(session: AsyncSession, told: ProviderRefund) -> tuple[Payment, Refund] | None:
    """A refund of ours with its payment, which is locked first; read after that, so that both are as they are now."""
    if told.reference is None:
        return None
    payment_id = await session.scalar(select(Refund.payment_id).where(Refund.reference == told.reference))
    if payment_id is None:
        return None
    payment = await get_payment(session, payment_id, lock=True)
    return payment, (await session.scalars(select(Refund).where(Refund.reference == told.reference))).one()


async def get_refund(session: AsyncSession, refund_id: int) -> tuple[Refund, Payment]:
    both = select(Refund, Payment).join(Payment, Payment.id == Refund.payment_id).where(Refund.id == refund_id)
    refund, payment = (await session.execute(both)).one()
    return refund, payment


async def has_refund_for(session: AsyncSession, cause: str) -> bool:
    return await session.scalar(select(Refund.id).where(Refund.cause == cause)) is not None


async def get_account(session: AsyncSession, payout_account_id: int) -> PayoutAccount:
    return await session.get_one(PayoutAccount, payout_account_id)


async def account_for(session: AsyncSession, actor: Actor, affiliate_id: int) -> PayoutAccount:
    """An affiliate's account, to those who may see it."""
    account = await session.scalar(select(PayoutAccount).where(PayoutAccount.affiliate_id == affiliate_id))
    if account is None or not account.may_be_seen_by(actor):
        raise NoSuchAccount
    return account


async def has_account(session: AsyncSession, affiliate_id: int) -> bool:
    of = select(PayoutAccount.id).where(PayoutAccount.affiliate_id == affiliate_id)
    return await session.scalar(of) is not None


async def find_account_id(session: AsyncSession, stripe_account_id: str) -> int | None:
    return await session.scalar(select(PayoutAccount.id).where(PayoutAccount.stripe_account_id == stripe_account_id))


async def claim_quiet_accounts(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Those that are not complete and that nobody has asked about for an hour."""
    quiet = (
        select(PayoutAccount.id)
        .where(
            PayoutAccount.status != AccountStatus.COMPLETE,
            PayoutAccount.stripe_account_id.is_not(None),
            PayoutAccount.checked_at < func.clock_timestamp() - QUIET_ACCOUNT,
        )
        .order_by(PayoutAccount.checked_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(PayoutAccount).where(PayoutAccount.id.in_(quiet.scalar_subquery())).returning(PayoutAccount.id)
    values = {"checked_at": func.clock_timestamp(), "updated_at": PayoutAccount.updated_at}
    return (await session.scalars(claimed.values(values))).all()


async def lock_webhook(session: AsyncSession, webhook_id: int) -> Webhook:
    return await session.get_one(Webhook, webhook_id, with_for_update=True)


async def lock_webhook_called(session: AsyncSession, event_id: str) -> Webhook:
    webhook = await session.scalar(select(Webhook).where(Webhook.event_id == event_id).with_for_update())
    if webhook is None:
        raise NoSuchWebhook
    return webhook


async def latest_webhooks(session: AsyncSession, outcome: Outcome | None, most: int) -> Sequence[Webhook]:
    latest = select(Webhook).order_by(Webhook.received_at.desc(), Webhook.id.desc()).limit(most)
    return (await session.scalars(latest if outcome is None else latest.where(Webhook.outcome == outcome))).all()


async def parked_payments(session: AsyncSession) -> Sequence[Payment]:
    return (await session.scalars(select(Payment).where(Payment.attention.is_not(None)).order_by(Payment.id))).all()


async def claim_quiet_payments(session: AsyncSession, statuses: Sequence[Status], *, limit: int) -> Sequence[int]:
    """Payments with an intent that nobody has asked about for a while; from now on somebody has."""
    quiet = (
        select(Payment.id)
        .where(
            Payment.status.in_(statuses),
            Payment.stripe_payment_intent_id.is_not(None),
            Payment.attention.is_(None),
            Payment.checked_at < func.clock_timestamp() - QUIET,
        )
        .order_by(Payment.checked_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Payment).where(Payment.id.in_(quiet.scalar_subquery())).returning(Payment.id)
    # Nothing about the payment itself has changed: neither version nor updated_at move.
    values = {"checked_at": func.clock_timestamp(), "updated_at": Payment.updated_at}
    return (await session.scalars(claimed.values(values))).all()


async def claim_quiet_refunds(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """The payments of refunds that the provider has taken and not confirmed for a while."""
    quiet = (
        select(Refund.id)
        .where(Refund.status == RefundStatus.SENT, Refund.updated_at < func.clock_timestamp() - QUIET)
        .order_by(Refund.updated_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Refund).where(Refund.id.in_(quiet.scalar_subquery())).returning(Refund.payment_id)
    return list(set(await session.scalars(claimed.values(updated_at=func.clock_timestamp()))))


SUM = cast(func.sum(Posting.amount_cents), BigInteger).label("cents")


async def balances_of(session: AsyncSession, payment_id: int) -> dict[Account, int]:
    """What the books say of a payment, by account."""
    said = (
        select(Posting.account, SUM)
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.payment_id == payment_id)
        .group_by(Posting.account)
    )
    return {row.account: row.cents for row in await session.execute(said)}


async def balance_for(session: AsyncSession, actor: Actor, affiliate_id: int) -> list[Balance]:
    """What an affiliate is to be paid, by currency."""
    if not (actor.runs(affiliate_id) or actor.is_staff):
        raise NotYourBooks
    owed = (
        select(Journal.currency, -SUM)
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Posting.affiliate_id == affiliate_id)
        .group_by(Journal.currency)
        .order_by(Journal.currency)
    )
    return [Balance(currency, cents) for currency, cents in (await session.execute(owed)).all()]


async def trial_balance(session: AsyncSession) -> Sequence[Any]:
    """Every account by currency: currency, account, cents."""
    of = select(Journal.currency, Posting.account, SUM).join(Posting, Posting.journal_id == Journal.id)
    by = of.group_by(Journal.currency, Posting.account).order_by(Journal.currency, Posting.account)
    return (await session.execute(by)).all()


async def payments_without_books(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Money was taken, and no journal says so."""
    told = exists().where(Journal.payment_id == Payment.id)
    none = select(Payment.id).where(Payment.status.in_(TAKEN), Payment.captured_cents > 0, ~told)
    return (await session.scalars(none.order_by(Payment.id).limit(limit))).all()


async def unbalanced(session: AsyncSession) -> Sequence[Any]:
    of = select(Posting.journal_id, SUM).group_by(Posting.journal_id).having(SUM != 0)
    return (await session.execute(of)).all()


async def payments_with_books(session: AsyncSession) -> AsyncIterator[tuple[Payment, dict[Account, int]]]:
    """Every payment with what the books say of it, in one statement per thousand."""
    after = 0
    while payments := (await session.scalars(_next_payments(after))).all():
        said: dict[int, dict[Account, int]] = {payment.id: {} for payment in payments}
        sums = (
            select(Journal.payment_id, Posting.account, SUM)
            .join(Posting, Posting.journal_id == Journal.id)
            .where(Journal.payment_id.in_(said))
            .group_by(Journal.payment_id, Posting.account)
        )
        for row in await session.execute(sums):
            said[row.payment_id][row.account] = row.cents
        for payment in payments:
            yield payment, said[payment.id]
        after = payments[-1].id


def _next_payments(after: int) -> Select[Payment]:
    return select(Payment).where(Payment.id > after).order_by(Payment.id).limit(BATCH)
