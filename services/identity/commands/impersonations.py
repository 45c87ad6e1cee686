"""Acting for a user: begun with a reason, ended by hand or by time."""

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import ImpersonationEnded, ImpersonationStarted
from shared.outbox import record

from ..domain.impersonation import Impersonation
from ..queries.impersonations import lock_impersonation
from ..queries.users import lock_users


@dataclass(frozen=True)
class Acting:
    """An impersonation that has just begun, and whom its token speaks for."""

    impersonation: Impersonation
    actor: Actor


async def impersonate(session: AsyncSession, staff: Actor, user_id: int, reason: str, minutes: int) -> Acting:
    """The user, on behalf of the staff. Ended with either's tokens, or alone."""
    assert staff.user_id is not None
    whom, by = await lock_users(session, user_id, staff.user_id)
    begun = Impersonation.begin(by, whom, reason, minutes, now())
    session.add(begun)
    await session.flush()
    record(session, ImpersonationStarted.of(begun))
    return Acting(begun, replace(whom.actor, impersonator=staff.user_id, session=str(begun.session)))


async def stop(session: AsyncSession, staff: Actor, impersonation_id: int) -> None:
    impersonation, at = await lock_impersonation(session, staff, impersonation_id), now()
    if impersonation.end(at):
        record(session, ImpersonationEnded.of(impersonation, tokens_end_at=at))
