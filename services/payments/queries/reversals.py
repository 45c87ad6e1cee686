"""What came back of payouts, and what may."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.payment import Payment
from ..domain.payout import Payout, PayoutItem, PayoutStatus
from ..domain.payout_account import PayoutAccount
from ..domain.reversal import Part, Reversal, ReversalStatus

QUIET_REVERSAL = timedelta(hours=1)
LIVE = Reversal.status != ReversalStatus.REFUSED


async def find_payout_of(session: AsyncSession, stripe_transfer_id: str) -> Payout | None:
    return await session.scalar(select(Payout).where(Payout.stripe_transfer_id == stripe_transfer_id))


async def get_reversal(session: AsyncSession, reversal_id: int) -> tuple[Reversal, Payout]:
    of = select(Reversal, Payout).join(Payout, Payout.id == Reversal.payout_id).where(Reversal.id == reversal_id)
    reversal, payout = (await session.execute(of)).one()
    return reversal, payout


async def is_known(session: AsyncSession, stripe_reversal_id: str) -> bool:
    of = select(Reversal.id).where(Reversal.stripe_reversal_id == stripe_reversal_id).limit(1)
    return await session.scalar(of) is not None


async def find_wanted(session: AsyncSession, reference: UUID | None) -> Reversal | None:
    return await session.scalar(select(Reversal).where(Reversal.reference == reference).with_for_update())


async def reversals_of(session: AsyncSession, payout_id: int) -> Sequence[Reversal]:
    return (await session.scalars(select(Reversal).where(Reversal.payout_id == payout_id))).all()


async def parts_of_payment(session: AsyncSession, payment_id: int) -> list[Part]:
    """Of payouts that have arrived, what of them was for this payment and may come back, newest first."""
    return await _parts(session, PayoutItem.payment_id == payment_id)


async def parts_of_payout(session: AsyncSession, payout_id: int) -> list[Part]:
    return await _parts(session, PayoutItem.payout_id == payout_id)


async def _parts(session: AsyncSession, which: object) -> list[Part]:
    back = cast(func.coalesce(func.sum(Reversal.amount_cents), 0), BigInteger)
    of_part = select(back).where(
        LIVE, Reversal.payout_id == PayoutItem.payout_id, Reversal.payment_id == PayoutItem.payment_id
    )
    of_payout = select(back).where(LIVE, Reversal.payout_id == Payout.id)
    rows = (
        select(
            PayoutItem.payout_id,
            PayoutItem.payment_id,
            PayoutItem.amount_cents - of_part.scalar_subquery(),
            Payout.amount_cents - of_payout.scalar_subquery(),
        )
        .join(Payout, Payout.id == PayoutItem.payout_id)
        .where(which, Payout.status == PayoutStatus.PAID, PayoutItem.amount_cents > 0)  # type: ignore[arg-type]
        .order_by(PayoutItem.id.desc())
    )
    return [Part(*row) for row in await session.execute(rows)]


async def note_as_back(session: AsyncSession, payment_id: int, cents: int) -> None:
    """Of what was paid out of it, so much is not any more; below nothing, it is after all. It is looked at again, at a
    version of its own: what is paid of it then is another item."""
    values = {
        "paid_out_cents": Payment.paid_out_cents - cents,
        "paid_out_version": None,
        "version": Payment.version + 1,
    }
    noted = update(Payment).where(Payment.id == payment_id).values(values)
    await session.execute(noted, execution_options={"synchronize_session": False})


async def debtors(session: AsyncSession, before: datetime, after: int, *, limit: int) -> Sequence[PayoutAccount]:
    """The next accounts of affiliates of whom a payment that was paid out has gone back, and stood so since then."""
    gone = Payment.refunds_due_cents + Payment.lost_cents > 0
    unsettled = Payment.paid_out_version.is_distinct_from(Payment.version)
    owing = select(Payment.affiliate_id).where(
        Payment.paid_out_cents > 0, Payment.captured_cents > 0, gone, unsettled, Payment.updated_at < before
    )
    of = select(PayoutAccount).where(PayoutAccount.affiliate_id.in_(owing), PayoutAccount.id > after)
    return (await session.scalars(of.order_by(PayoutAccount.id).limit(limit))).all()


async def claim_quiet_reversals(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Sent, and without an answer for so long that nobody may be asking any more."""
    quiet = (
        select(Reversal.id)
        .where(Reversal.status == ReversalStatus.PENDING, Reversal.checked_at < func.clock_timestamp() - QUIET_REVERSAL)
        .order_by(Reversal.checked_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Reversal).where(Reversal.id.in_(quiet.scalar_subquery())).returning(Reversal.id)
    values = {"checked_at": func.clock_timestamp(), "updated_at": Reversal.updated_at}
    return (await session.scalars(claimed.values(values))).all()
