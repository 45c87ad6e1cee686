"""Who works for whom."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Role
from shared.contracts.identity import MemberAdded
from shared.outbox import record

from ..domain.account import AffiliateUser
from ..queries.accounts import must_exist
from ..queries.teams import has_team


async def give_affiliate_its_owner(session: AsyncSession, affiliate_id: int, user_id: int) -> None:
    """Whoever applied owns the affiliate, unless it has a team already: then the team itself decides."""
    await must_exist(session, user_id)
    if await has_team(session, affiliate_id):
        return
    member = AffiliateUser(affiliate_id=affiliate_id, user_id=user_id, role=Role.OWNER)
    session.add(member)
    await session.flush()
    record(session, MemberAdded.of(member))
