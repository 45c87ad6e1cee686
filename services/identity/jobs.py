"""What identity does when time passes."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.jobs import Jobs

from .commands.erasures import begin_due_erasures
from .commands.exports import end_exports
from .commands.forgetting import forget_unverified
from .domain.invitation import Invitation
from .domain.oidc import Authorization
from .domain.proof import UNVERIFIED_FOR
from .domain.second_factor import Challenge
from .domain.session import ABSOLUTE, RefreshToken
from .queries.accounts import unverified_since
from .queries.erasures import forget_past_bookings
from .queries.limits import forget_attempts

KEPT = ABSOLUTE + timedelta(days=30)
AT_ONCE, ROUNDS = 10_000, 100
INVITATIONS_KEPT = timedelta(days=90)

jobs = Jobs("identity")


@jobs.every(timedelta(seconds=15))
async def begin_erasures(session: AsyncSession) -> None:
    """Of accounts that were closed long enough ago, and whose customer has no live booking."""
    await begin_due_erasures(session, now(), limit=50)


@jobs.every(timedelta(minutes=5))
async def forget_exports(session: AsyncSession) -> None:
    """What was gathered is kept for a day after it is ready, or until it is given up."""
    await end_exports(session)


@jobs.every(timedelta(hours=6))
async def forget_bookings_that_are_over(session: AsyncSession) -> None:
    """They keep nobody from being erased, whatever news of them is still on its way."""
    await forget_past_bookings(session, now() - timedelta(days=1))


@jobs.every(timedelta(hours=6))
async def forget_old_sessions(session: AsyncSession) -> None:
    """Whole families at once: a revoked token must not go before those that it revokes."""
    await session.execute(delete(RefreshToken).where(RefreshToken.family_began_at < now() - KEPT))


@jobs.every(timedelta(minutes=10))
async def forget_old_attempts(session: AsyncSession) -> None:
    """In steps that a statement's time allows for."""
    for _ in range(ROUNDS):
        if await forget_attempts(session, AT_ONCE) < AT_ONCE:
            return


@jobs.every(timedelta(hours=1))
async def forget_unverified_accounts(session: AsyncSession) -> None:
    """Whoever did not answer our mail within a week; their address is free again."""
    await forget_unverified(session, await unverified_since(session, now() - UNVERIFIED_FOR, limit=1000))


@jobs.every(timedelta(hours=6))
async def forget_old_invitations(session: AsyncSession) -> None:
    """Answered or not: they have addresses of people who may never have had an account."""
    await session.execute(delete(Invitation).where(Invitation.created_at < now() - INVITATIONS_KEPT))


@jobs.every(timedelta(hours=1))
async def forget_unfinished_sign_ins(session: AsyncSession) -> None:
    """Those that wait for a second factor, and those that somebody went to a provider for."""
    for kind in (Challenge, Authorization):
        await session.execute(delete(kind).where(kind.expires_at < now()))
