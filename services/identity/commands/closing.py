"""Closing an account: nobody signs in to it any more, and what was handed out for it ends everywhere."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import UserClosed
from shared.errors import ChangedMeanwhile
from shared.outbox import record

from ..domain.account import Account
from ..domain.staff import must_leave_an_administrator
from ..queries.accounts import get_account
from ..queries.proofs import end_proofs
from ..queries.sessions import end_sessions
from ..queries.teams import teams_of_user
from ..queries.users import lock_administrators
from .second_factor import Verifier
from .teams import leave_every_team


async def close_mine(session: AsyncSession, verifier: Verifier, actor: Actor, password: str) -> None:
    await verifier.must_know_password(actor, password)
    await close_account(session, actor)


async def close_account(session: AsyncSession, actor: Actor) -> Account:
    """The actor's own. Not while a team would be without an owner, or the platform without an administrator.

    Its address is free again at once: it is unique among open accounts only.
    """
    assert actor.user_id is not None
    administrators = await lock_administrators(session) if actor.is_admin else []
    await leave_every_team(session, actor.user_id)
    account = await get_account(session, actor.user_id, lock=True)
    if await teams_of_user(session, actor.user_id):
        raise ChangedMeanwhile  # they came into another team while we waited for the lock
    must_leave_an_administrator(account.user, administrators)
    at = now()  # after the lock: a token that was issued before it is older than this
    await end_sessions(session, actor.user_id)
    await end_proofs(session, actor.user_id)
    account.close(at)
    record(session, UserClosed.of(account.user, customer_id=account.customer_id, tokens_end_at=at))
    return account
