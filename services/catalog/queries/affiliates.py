"""Affiliates as the owner, the staff and the public may see them."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import raiseload

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.affiliate import Affiliate, NoSuchAffiliate
from ..domain.onboarding import ApplicationStatus


async def get_affiliate(
    session: AsyncSession, affiliate_id: int, *, lock: bool = False, with_area: bool = False
) -> Affiliate:
    """In one statement; to change it, which its events tell of with its area, and `with_area` in two."""
    without = () if lock or with_area else (raiseload(Affiliate.area),)
    affiliate = await session.get(Affiliate, affiliate_id, with_for_update=lock or None, options=without)
    if affiliate is None or affiliate.deleted_at is not None:
        raise NoSuchAffiliate
    return affiliate


async def affiliate_for(
    session: AsyncSession, actor: Actor, affiliate_id: int, *, lock: bool = False, with_area: bool = False
) -> Affiliate:
    """An affiliate that this actor may see; to all others it does not exist."""
    affiliate = await get_affiliate(session, affiliate_id, lock=lock, with_area=with_area)
    if not affiliate.may_be_seen_by(actor):
        raise NoSuchAffiliate
    return affiliate


async def applications_of(
    session: AsyncSession, actor: Actor, page: Page, status: ApplicationStatus | None
) -> Paged[Affiliate]:
    """One's own affiliates whatever became of them, newest first; staff see everybody's."""
    statement = select(Affiliate).where(Affiliate.deleted_at.is_(None))
    if not actor.is_staff:
        statement = statement.where(Affiliate.owner_user_id == actor.user_id)
    if status is not None:
        statement = statement.where(Affiliate.application_status == status)
    return await page.of(session, statement, Affiliate.created_at, Affiliate.id, descending=True)


async def is_slug_taken(session: AsyncSession, slug: str) -> bool:
    return await session.scalar(select(Affiliate.id).where(Affiliate.slug == slug)) is not None
