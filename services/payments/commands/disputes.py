"""Disputes: opened, answered and decided elsewhere; here is what follows for the money, and who is told."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.payments import EvidenceDue, PaymentDisputed
from shared.outbox import record
from shared.tasks import NotNow, Outside

from ..clients import Provider
from ..domain.dispute import Dispute, DisputedSums
from ..domain.life import TAKEN
from ..domain.payment import Payment
from ..domain.provider import ProviderDispute, Unanswered
from ..domain.webhook import Outcome
from ..queries.disputes import (
    claim_quiet_disputes,
    disputes_of_payment,
    find_dispute,
    is_ours,
    known_disputes,
    known_intents,
    nearly_too_late,
)
from ..queries.payments import get_payment, lock_payment_paid_by
from . import ledger, tasks
from .parking import park

log = structlog.get_logger()

EVIDENCE_DUE = Counter("mdh_payments_evidence_due_total", "Reminders that banks wait for an answer")
SOON = timedelta(minutes=1)
LOOKS_BACK = timedelta(days=14)  # the provider sends a webhook again for three days


async def note_dispute_change(session: AsyncSession, subject: dict[str, Any]) -> Outcome:
    """Something about a dispute is new. What, is asked: webhooks come in any order, and say what was."""
    if not await is_ours(session, subject["payment_intent"]):
        return Outcome.FOREIGN
    tasks.enqueue(session, check_dispute, stripe_dispute_id=subject["id"])
    return Outcome.DONE


@tasks.call
async def check_dispute(outside: Outside, stripe_dispute_id: str) -> None:
    """Written only if nobody wrote meanwhile: of two who ask at once, the one with the older answer asks again."""
    async with outside.begin() as session:
        known = _version(await find_dispute(session, stripe_dispute_id))
    told = await outside.client(Provider).get_dispute(stripe_dispute_id)
    async with outside.begin() as session:
        await _settle(session, told, known)


def _version(dispute: Dispute | None) -> int:
    return dispute.version if dispute else 0


async def _settle(session: AsyncSession, told: ProviderDispute, known: int) -> None:
    payment = await lock_payment_paid_by(session, told.intent_id)
    if payment is None:
        return
    dispute = await find_dispute(session, told.id)
    if payment.status not in TAKEN or _version(dispute) != known:
        raise NotNow(SOON)
    if told.currency != payment.currency:
        park(payment, f"The provider's dispute {told.id} is in {told.currency}.")
        return
    if dispute is None:
        dispute = Dispute.about(payment, told)
        session.add(dispute)
    elif not dispute.become(told):
        return
    await session.flush()
    await _count(session, payment)
    record(session, PaymentDisputed.of(dispute))


async def _count(session: AsyncSession, payment: Payment) -> None:
    sums = DisputedSums.of(await disputes_of_payment(session, payment.id))
    if payment.count_disputes(sums):
        await ledger.post(session, payment)
        if payment.claimed_too_much:
            park(payment, "More is disputed than is left of this payment: the customer may get the same money twice.")


async def remind_of_evidence(session: AsyncSession, *, limit: int) -> None:
    """Once three days before it is too late, and once a day before; not of what was answered or decided."""
    for dispute in await nearly_too_late(session, now(), limit=limit):
        await get_payment(session, dispute.payment_id, lock=True)
        await session.refresh(dispute)
        if dispute.remind(now()):
            record(session, EvidenceDue.of(dispute))
            EVIDENCE_DUE.inc()
            log.warning("dispute.evidence_due", dispute_id=dispute.id, due_by=str(dispute.evidence_due_by))


async def ask_about_quiet_disputes(session: AsyncSession, *, limit: int) -> None:
    for stripe_dispute_id in await claim_quiet_disputes(session, limit=limit):
        tasks.enqueue(session, check_quiet_dispute, stripe_dispute_id=stripe_dispute_id)


@tasks.call
async def check_quiet_dispute(outside: Outside, stripe_dispute_id: str) -> None:
    """Who does not answer is asked again later anyway."""
    with suppress(Unanswered):
        await check_dispute(outside, stripe_dispute_id)


def look_for_more(session: AsyncSession) -> None:
    tasks.enqueue(session, find_unknown_disputes)


@tasks.call
async def find_unknown_disputes(outside: Outside) -> None:
    """Of our payments, and that no webhook has told us of."""
    with suppress(Unanswered):
        told = {one.id: one.intent_id for one in await outside.client(Provider).disputes_since(now() - LOOKS_BACK)}
        async with outside.begin() as session:
            known = await known_disputes(session, told)
            ours = await known_intents(session, [told[id] for id in told if id not in known])
            for id in told:
                if id not in known and told[id] in ours:
                    tasks.enqueue(session, check_dispute, stripe_dispute_id=id)
