"""Closing an account: nobody signs in to it any more, and what was handed out for it ends everywhere."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import MemberRemoved, UserClosed
from shared.outbox import record

from ..domain.account import Account
from ..domain.staff import must_leave_an_administrator
from ..domain.team import LastOwner
from ..queries.accounts import get_account
from ..queries.proofs import end_proofs
from ..queries.sessions import end_sessions
from ..queries.teams import find_membership, is_last_owner_anywhere, lock_team, teams_of_user
from ..queries.users import lock_administrators
from .second_factor import Verifier


async def close_mine(session: AsyncSession, verifier: Verifier, actor: Actor, password: str) -> None:
    """Not while a team would be without an owner, or the platform without an administrator."""
    await verifier.must_know_password(actor, password)
    administrators = await lock_administrators(session) if actor.is_admin else []
    assert actor.user_id is not None
    for affiliate_id in await teams_of_user(session, actor.user_id):
        await lock_team(session, affiliate_id)
    account = await get_account(session, actor.user_id, lock=True)
    must_leave_an_administrator(account.user, administrators)
    if await is_last_owner_anywhere(session, actor.user_id):
        raise LastOwner
    await close_account(session, account, now())


async def close_account(session: AsyncSession, account: Account, at: datetime) -> None:
    """Its address is free again at once: it is unique among open accounts only."""
    for affiliate_id in sorted(account.team_roles):
        member = await find_membership(session, affiliate_id, account.user.id)
        if member and member.removed_at is None:
            member.leave(at)
            record(session, MemberRemoved.of(member, tokens_end_at=at))
    await end_sessions(session, account.user.id)
    await end_proofs(session, account.user.id)
    account.close(at)
    record(session, UserClosed.of(account.user, customer_id=account.customer_id, tokens_end_at=at))
