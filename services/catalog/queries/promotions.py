"""Promotions, and how often they were used."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, StaffOnly
from shared.http import Page, Paged

from ..domain.affiliate import Affiliate
from ..domain.promotion import NoSuchPromotion, Promotion, PromotionUse
from .affiliates import affiliate_for


async def promotion_for(session: AsyncSession, actor: Actor, promotion_id: int, *, lock: bool = False) -> Promotion:
    """For the staff and for those who run its affiliate: a code is worth money. To all others it does not exist."""
    promotion = await session.get(Promotion, promotion_id, with_for_update=lock or None)
    if promotion is None or not (actor.is_staff or await _runs(session, actor, promotion.affiliate_id)):
        raise NoSuchPromotion
    return promotion


async def _runs(session: AsyncSession, actor: Actor, affiliate_id: int | None) -> bool:
    affiliate = None if affiliate_id is None else await session.get(Affiliate, affiliate_id)
    return affiliate is not None and affiliate.is_run_by(actor)


async def promotions_of(session: AsyncSession, actor: Actor, affiliate_id: int | None, page: Page) -> Paged[Promotion]:
    """An affiliate's, or the platform's, newest first."""
    if not actor.is_staff:
        if affiliate_id is None:
            raise StaffOnly
        (await affiliate_for(session, actor, affiliate_id)).must_be_run_by(actor)
    statement = select(Promotion).where(Promotion.affiliate_id.is_not_distinct_from(affiliate_id))
    return await page.of(session, statement, Promotion.created_at, Promotion.id, descending=True)


async def uses_of(session: AsyncSession, promotion_ids: Collection[int]) -> dict[int, int]:
    """How many bookings that stand used each."""
    counted = (
        select(PromotionUse.promotion_id, func.count())
        .where(PromotionUse.promotion_id.in_(promotion_ids), PromotionUse.counts)
        .group_by(PromotionUse.promotion_id)
    )
    return {row[0]: row[1] for row in await session.execute(counted)}
