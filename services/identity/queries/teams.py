"""Reading teams."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.account import AffiliateUser
from ..domain.team import Team

works_now = AffiliateUser.removed_at.is_(None)


async def has_team(session: AsyncSession, affiliate_id: int) -> bool:
    of = select(exists().where(AffiliateUser.affiliate_id == affiliate_id))
    return bool(await session.scalar(of))


async def lock_team(session: AsyncSession, affiliate_id: int) -> Team:
    """Who works there now, with their names; whoever else would change the team waits."""
    of = select(AffiliateUser).where(AffiliateUser.affiliate_id == affiliate_id, works_now)
    locked = of.options(joinedload(AffiliateUser.user, innerjoin=True)).order_by(AffiliateUser.id)
    return Team(affiliate_id, (await session.scalars(locked.with_for_update(of=AffiliateUser))).all())


async def teams_of_user(session: AsyncSession, user_id: int) -> list[int]:
    """The affiliates that one works for, in the order in which their teams are locked."""
    of = select(AffiliateUser.affiliate_id).where(AffiliateUser.user_id == user_id, works_now)
    return sorted((await session.scalars(of)).all())


async def find_membership(session: AsyncSession, affiliate_id: int, user_id: int) -> AffiliateUser | None:
    """Their place in the team, though they may have left it."""
    of = select(AffiliateUser).where(AffiliateUser.affiliate_id == affiliate_id, AffiliateUser.user_id == user_id)
    return await session.scalar(of)


async def members_of(session: AsyncSession, actor: Actor, affiliate_id: int, page: Page) -> Paged[AffiliateUser]:
    Team.must_be_seen_by(actor, affiliate_id)
    of = select(AffiliateUser).where(AffiliateUser.affiliate_id == affiliate_id, works_now)
    named = of.options(joinedload(AffiliateUser.user, innerjoin=True))
    return await page.of(session, named, AffiliateUser.joined_at, AffiliateUser.id)
