"""What the provider tells us: stored first, handled afterwards."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.tasks import Outside

from ..domain.payment import Payment
from ..domain.provider import ProviderEvent
from ..domain.webhook import Outcome, Webhook, kept_of
from ..objects import intent_of, refund_of, setup_of
from ..queries.payments import lock_payment_once_behind
from ..queries.webhooks import lock_webhook, lock_webhook_called
from . import tasks
from .accounts import note_account_change
from .disputes import note_dispute_change
from .reconciliation import note_hold
from .refunds import check_refunds
from .repayment import settle_refund
from .reversals import note_transfer_change
from .settlement import settle_intent, settle_setup

INTENT_EVENTS = ("payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled")
SETUP_EVENTS = ("setup_intent.succeeded", "setup_intent.setup_failed", "setup_intent.canceled")
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed")
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
HOLD_EVENT, CHARGE_EVENT, ACCOUNT_EVENT, TRANSFER_EVENT = (
    "payment_intent.amount_capturable_updated", "charge.refunded", "account.updated", "transfer.reversed"
)  # fmt: skip
# docs/operations.md tells operators to have these sent; ACCOUNT_EVENT is of connected accounts.
ACTED_UPON = (
    *INTENT_EVENTS, *SETUP_EVENTS, *REFUND_EVENTS, *DISPUTE_EVENTS, HOLD_EVENT, CHARGE_EVENT, ACCOUNT_EVENT,
    TRANSFER_EVENT,
)  # fmt: skip

NEW = insert(Webhook.__table__).on_conflict_do_nothing().returning(Webhook.id)  # type: ignore[arg-type] # built once


async def receive(session: AsyncSession, event: ProviderEvent) -> bool:
    """Store it, once, and have it handled, unless it is of a type that we do not act upon; an event that came before
    is already seen to. Says whether it did not."""
    ignored = event.type not in ACTED_UPON
    settled = {"outcome": Outcome.IGNORED, "handled_at": now()} if ignored else {}
    payload = kept_of(event.type, event.payload)
    row = {"event_id": event.id, "type": event.type, "payload": payload, **settled}
    webhook_id = await session.scalar(NEW, row)
    if webhook_id is not None and not ignored:
        tasks.enqueue(session, handle_webhook, webhook_id=webhook_id)
    return webhook_id is not None


async def replay(session: AsyncSession, event_id: str) -> None:
    """Have it handled again, by a person's decision; `NoSuchWebhook`, or `DetailsForgotten` if it is too old."""
    webhook = await lock_webhook_called(session, event_id)
    webhook.reopen()
    tasks.enqueue(session, handle_webhook, webhook_id=webhook.id)


@tasks.call
async def handle_webhook(outside: Outside, webhook_id: int) -> None:
    async with outside.begin() as session:
        webhook = await lock_webhook(session, webhook_id)
        if webhook.handled_at is None:
            webhook.settle(await _outcome_of(session, webhook))


async def _outcome_of(session: AsyncSession, webhook: Webhook) -> Outcome:
    if webhook.type in INTENT_EVENTS:
        return await settle_intent(session, intent_of(webhook.subject))
    if webhook.type == HOLD_EVENT:
        return await note_hold(session, intent_of(webhook.subject))
    if webhook.type in SETUP_EVENTS:
        return await settle_setup(session, setup_of(webhook.subject))
    if webhook.type in REFUND_EVENTS:
        return await settle_refund(session, refund_of(webhook.subject))
    if webhook.type in DISPUTE_EVENTS:
        return await note_dispute_change(session, webhook.subject)
    if webhook.type == ACCOUNT_EVENT:
        return await note_account_change(session, webhook.subject["id"])
    if webhook.type == TRANSFER_EVENT:
        return await note_transfer_change(session, webhook.subject["id"])
    if webhook.type == CHARGE_EVENT:
        return await _compare_refunds(session, webhook.subject)
    return Outcome.IGNORED


async def _compare_refunds(session: AsyncSession, charge: dict[str, Any]) -> Outcome:
    """A charge shows a sum, not its refunds: where ours is another, ask which they are."""
    of_charge = Payment.stripe_payment_intent_id == charge["payment_intent"]
    payment = await session.scalar(select(Payment).where(of_charge))
    if payment is None:
        former = await lock_payment_once_behind(session, charge["payment_intent"])
        return Outcome.KNOWN if former else Outcome.FOREIGN
    let_go = charge["amount"] - charge["amount_captured"]  # of a hold, and shown as if it had gone back
    if payment.refunded_cents == charge["amount_refunded"] - let_go:
        return Outcome.KNOWN
    tasks.enqueue(session, check_refunds, payment_id=payment.id)
    return Outcome.DONE


async def forget_details(session: AsyncSession, *, before: datetime, limit: int) -> None:
    """Of webhooks that were handled before then; those that are parked or foreign wait for a person."""
    settled = Webhook.outcome.in_([Outcome.DONE, Outcome.KNOWN, Outcome.IGNORED])
    told = Webhook.payload != {}
    old = select(Webhook.id).where(settled, told, Webhook.handled_at < before).order_by(Webhook.handled_at).limit(limit)
    await session.execute(update(Webhook).where(Webhook.id.in_(old)).values(payload={}))
