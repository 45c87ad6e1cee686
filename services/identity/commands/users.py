"""What the platform's staff do to accounts; each of it stands in the audit trail, and the person is told."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import UserLookedUp, UserReinstated, UserRoleChanged, UserSuspended
from shared.outbox import record

from ..domain import staff
from ..domain.account import Account, UserRole
from ..domain.staff import Lookup
from ..queries.sessions import end_sessions
from ..queries.users import get_user, lock_administrators


async def look_up(session: AsyncSession, by: Actor, user_id: int) -> Account:
    """Whoever of the staff looks at a person leaves a trace; at oneself, none."""
    account = await get_user(session, user_id)
    if by.user_id != user_id:
        assert by.user_id is not None
        lookup = Lookup(user_id=user_id, staff_id=by.user_id)
        session.add(lookup)
        await session.flush()
        record(session, UserLookedUp.of(lookup))
    return account


async def suspend(session: AsyncSession, by: Actor, user_id: int, version: int | None, reason: str) -> Account:
    """Sessions end with it, and access tokens everywhere."""
    administrators = await lock_administrators(session) if by.is_admin else []
    account = await get_user(session, user_id, lock=True)
    account.user.expect(version)
    at = now()  # after the lock: a token that was issued before it is older than this
    staff.suspend(account.user, by, reason, at, administrators)
    await end_sessions(session, user_id)
    told = UserSuspended.of(account.user, customer_id=account.customer_id, tokens_end_at=at, reason=reason)
    record(session, told)
    await session.flush()  # so that the answer has the new `updated_at`
    return account


async def reinstate(session: AsyncSession, by: Actor, user_id: int, version: int | None) -> Account:
    account = await get_user(session, user_id, lock=True)
    account.user.expect(version)
    staff.reinstate(account.user, by)
    record(session, UserReinstated.of(account.user, customer_id=account.customer_id))
    await session.flush()
    return account


async def give_role(
    session: AsyncSession, by: Actor, user_id: int, version: int | None, role: UserRole | None, reason: str
) -> Account:
    """Tokens that still name the old role end everywhere."""
    administrators = await lock_administrators(session)
    account = await get_user(session, user_id, lock=True)
    account.user.expect(version)
    if staff.give_role(account, by, role, administrators):
        told = UserRoleChanged.of(account.user, customer_id=account.customer_id, tokens_end_at=now(), reason=reason)
        record(session, told)
        await session.flush()
    return account
