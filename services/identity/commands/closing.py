"""Closing an account: nobody signs in to it any more, and what was handed out for it ends everywhere."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.identity import MemberRemoved, UserClosed
from shared.outbox import record

from ..domain.account import Account
from ..queries.sessions import end_sessions
from ..queries.teams import find_membership


async def close_account(session: AsyncSession, account: Account, at: datetime) -> None:
    """Its address is free again at once: it is unique among open accounts only."""
    for affiliate_id in sorted(account.team_roles):
        member = await find_membership(session, affiliate_id, account.user.id)
        if member and member.removed_at is None:
            member.leave(at)
            record(session, MemberRemoved.of(member, tokens_end_at=at))
    await end_sessions(session, account.user.id)
    account.close(at)
    record(session, UserClosed.of(account.user, customer_id=account.customer_id, tokens_end_at=at))
