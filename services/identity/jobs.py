"""What identity does when time passes."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.jobs import Jobs

from .domain.session import ABSOLUTE, RefreshToken

KEPT = ABSOLUTE + timedelta(days=30)

jobs = Jobs("identity")


@jobs.every(timedelta(hours=6))
async def forget_old_sessions(session: AsyncSession) -> None:
    """Whole families at once: a revoked token must not go before those that it revokes."""
    await session.execute(delete(RefreshToken).where(RefreshToken.family_began_at < now() - KEPT))
