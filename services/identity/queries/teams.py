"""Reading teams."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.account import AffiliateUser


async def has_team(session: AsyncSession, affiliate_id: int) -> bool:
    of = select(exists().where(AffiliateUser.affiliate_id == affiliate_id))
    return bool(await session.scalar(of))
