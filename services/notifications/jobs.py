"""What notifications does when time passes."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.jobs import Jobs

from . import commands, queries
from .domain.notice import reminder_of

jobs = Jobs("notifications")


@jobs.every(timedelta(minutes=1))
async def remind_of_appointments(session: AsyncSession) -> None:
    """The day before. The reminder is looked at again when it is sent: not for what was cancelled meanwhile."""
    for booking in await queries.claim_to_remind(session, now(), limit=200):
        await commands.tell(session, [reminder_of(booking)])
