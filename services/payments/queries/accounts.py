"""Payout accounts, and who may see them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.payout_account import AccountStatus, NoSuchAccount, PayoutAccount

QUIET_ACCOUNT = timedelta(hours=1)  # people fill in forms at their own pace


async def get_account(session: AsyncSession, payout_account_id: int) -> PayoutAccount:
    return await session.get_one(PayoutAccount, payout_account_id)


async def account_for(session: AsyncSession, actor: Actor, affiliate_id: int) -> PayoutAccount:
    """An affiliate's account, to those who may see it."""
    account = await session.scalar(select(PayoutAccount).where(PayoutAccount.affiliate_id == affiliate_id))
    if account is None or not account.may_be_seen_by(actor):
        raise NoSuchAccount
    return account


async def find_account(session: AsyncSession, affiliate_id: int, *, lock: bool = False) -> PayoutAccount:
    """`NoSuchAccount` if its affiliate has none."""
    of = select(PayoutAccount).where(PayoutAccount.affiliate_id == affiliate_id)
    account = await session.scalar(of.with_for_update() if lock else of)
    if account is None:
        raise NoSuchAccount
    return account


async def held_accounts(session: AsyncSession, page: Page) -> Paged[PayoutAccount]:
    """Those whose payouts wait for a person, or for their affiliate to be reinstated."""
    held = select(PayoutAccount).where(PayoutAccount.held_because.is_not(None))
    return await page.of(session, held, PayoutAccount.created_at, PayoutAccount.id, descending=True)


async def why_held(session: AsyncSession, affiliate_id: int) -> str | None:
    return await session.scalar(select(PayoutAccount.held_because).where(PayoutAccount.affiliate_id == affiliate_id))


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
