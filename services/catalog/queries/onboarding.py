"""Applications that wait for a decision, and the steps that an affiliate took."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.affiliate import Affiliate, NoSuchAffiliate
from ..domain.onboarding import UNDECIDED, AffiliateStep
from .affiliates import get_affiliate


async def steps_of(session: AsyncSession, actor: Actor, affiliate_id: int, page: Page) -> Paged[AffiliateStep]:
    """Newest first; for its own people and the staff."""
    if not (await get_affiliate(session, affiliate_id)).is_known_to(actor):
        raise NoSuchAffiliate
    of = select(AffiliateStep).where(AffiliateStep.affiliate_id == affiliate_id)
    return await page.of(session, of, AffiliateStep.created_at, AffiliateStep.id, descending=True)


async def lock_undecided_of(session: AsyncSession, user_id: int) -> Sequence[Affiliate]:
    undecided = (Affiliate.owner_user_id == user_id) & Affiliate.application_status.in_(UNDECIDED)
    return (await session.scalars(select(Affiliate).where(undecided).order_by(Affiliate.id).with_for_update())).all()
