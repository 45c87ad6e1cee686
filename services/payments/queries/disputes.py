"""Disputes, and who may see them."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.dispute import ENDED, REMINDED_BEFORE, UNANSWERED, Dispute, DisputeStatus, NoSuchDispute
from ..domain.payment import Payment

QUIET_DISPUTE = timedelta(hours=1)  # banks take days


async def find_dispute(session: AsyncSession, stripe_dispute_id: str) -> Dispute | None:
    return await session.scalar(select(Dispute).where(Dispute.stripe_dispute_id == stripe_dispute_id))


async def disputes_of_payment(session: AsyncSession, payment_id: int) -> Sequence[Dispute]:
    return (await session.scalars(select(Dispute).where(Dispute.payment_id == payment_id))).all()


async def dispute_for(session: AsyncSession, actor: Actor, dispute_id: int) -> Dispute:
    """A dispute that this actor may see; to all others it does not exist."""
    dispute = await session.get(Dispute, dispute_id)
    if dispute is None or not dispute.may_be_seen_by(actor):
        raise NoSuchDispute
    return dispute


async def disputes_for(
    session: AsyncSession, actor: Actor, page: Page, status: DisputeStatus | None, *, waiting: bool
) -> Paged[Dispute]:
    """Those that this actor may see: newest first, or `waiting` for evidence, the next one that is due first."""
    statement = select(Dispute)
    if not actor.is_staff:
        statement = statement.where(Dispute.affiliate_id.in_([id for id in actor.affiliates if actor.runs(id)]))
    if status is not None:
        statement = statement.where(Dispute.status == status)
    if waiting:
        open_ones = statement.where(Dispute.status.in_(UNANSWERED), Dispute.evidence_due_by.is_not(None))
        return await page.of(session, open_ones, Dispute.evidence_due_by, Dispute.id)
    return await page.of(session, statement, Dispute.opened_at, Dispute.id, descending=True)


async def is_ours(session: AsyncSession, intent_id: str | None) -> bool:
    of = select(Payment.id).where(Payment.stripe_payment_intent_id == intent_id)
    return await session.scalar(of) is not None


async def known_intents(session: AsyncSession, intent_ids: Collection[str | None]) -> set[str | None]:
    ours = select(Payment.stripe_payment_intent_id).where(Payment.stripe_payment_intent_id.in_(intent_ids))
    return set(await session.scalars(ours))


async def known_disputes(session: AsyncSession, stripe_dispute_ids: Collection[str]) -> set[str]:
    ours = select(Dispute.stripe_dispute_id).where(Dispute.stripe_dispute_id.in_(stripe_dispute_ids))
    return set(await session.scalars(ours))


async def claim_quiet_disputes(session: AsyncSession, *, limit: int) -> Sequence[str]:
    """Those whose money is not where it will stay, and that nobody has asked about for an hour."""
    settled = Dispute.status.in_(ENDED) & or_(Dispute.status == DisputeStatus.LOST, Dispute.withdrawn_cents == 0)
    quiet = (
        select(Dispute.id)
        .where(~settled, Dispute.checked_at < func.clock_timestamp() - QUIET_DISPUTE)
        .order_by(Dispute.checked_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Dispute).where(Dispute.id.in_(quiet.scalar_subquery())).returning(Dispute.stripe_dispute_id)
    values = {"checked_at": func.clock_timestamp(), "updated_at": Dispute.updated_at}
    return (await session.scalars(claimed.values(values))).all()


async def nearly_too_late(session: AsyncSession, at: datetime, *, limit: int) -> Sequence[Dispute]:
    """Those that nobody has answered and of which a reminder may be due, by their payments."""
    soon = Dispute.evidence_due_by.between(at, at + max(REMINDED_BEFORE))
    waiting = Dispute.status.in_(UNANSWERED) & (Dispute.reminders < len(REMINDED_BEFORE))
    of = select(Dispute).where(waiting, soon).order_by(Dispute.payment_id, Dispute.id).limit(limit)
    return (await session.scalars(of)).all()


async def payments_with_disputes(session: AsyncSession) -> AsyncIterator[tuple[Payment, Sequence[Dispute]]]:
    """Every payment that has any, or says so."""
    sums = Payment.disputed_cents + Payment.withheld_cents + Payment.lost_cents + Payment.dispute_fees_cents
    some = select(Payment).where((sums > 0) | exists().where(Dispute.payment_id == Payment.id)).order_by(Payment.id)
    for payment in (await session.scalars(some)).all():
        yield payment, await disputes_of_payment(session, payment.id)
