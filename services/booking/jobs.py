"""What booking does when time passes."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.jobs import Jobs

from . import commands
from .queries.bookings import holds_past_their_time

jobs = Jobs("booking")


@jobs.every(timedelta(seconds=15))
async def expire_unpaid(session: AsyncSession) -> None:
    """Nobody waits for this: a hold that ran out blocks nothing. It tells the others, so that they can let go too."""
    commands.expire(session, await holds_past_their_time(session, limit=500))
