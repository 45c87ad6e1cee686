"""What analytics does when time passes."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.jobs import Jobs

from . import commands
from .domain import kept_since


def retention(days: int) -> Jobs:
    """The jobs of a service that keeps events for so many days."""
    jobs = Jobs("analytics")

    @jobs.every(timedelta(hours=1))
    async def forget_old_events(session: AsyncSession) -> None:
        await commands.forget_events(session, before=kept_since(now(), days))

    return jobs
