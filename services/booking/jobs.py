"""What booking does when time passes."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.jobs import Jobs

from .commands import calendars, free_days, holding, quotes, visits
from .queries.bookings import holds_past_their_time
from .queries.quotes import quotes_past_their_time

jobs = Jobs("booking")


@jobs.every(timedelta(seconds=15))
async def expire_unpaid(session: AsyncSession) -> None:
    """Nobody waits for this: a hold that ran out blocks nothing. It tells the others, so that they can let go too."""
    holding.expire(session, await holds_past_their_time(session, limit=500))


@jobs.every(timedelta(minutes=1))
async def expire_quotes(session: AsyncSession) -> None:
    """Nobody waits for this either: what is over cannot be priced or accepted. It tells both sides."""
    quotes.expire_quotes(session, await quotes_past_their_time(session, limit=500))


@jobs.every(timedelta(seconds=5))
async def tell_free_days(session: AsyncSession) -> None:
    """Of affiliates whose schedule has changed, and of each once an hour: time moves the horizon. In small batches,
    so that what is worked out keeps nobody else waiting; what is left over comes with the next run."""
    for _ in range(10):
        if not await free_days.tell_free_days(session, limit=20):
            break


@jobs.every(timedelta(seconds=15))
async def book_visits_of_series(session: AsyncSession) -> None:
    """Some weeks ahead of each. What has to wait, for a visit before to be paid, is looked at again."""
    await visits.see_to_due_series(session, limit=200)


@jobs.every(timedelta(seconds=5))
async def read_calendars(session: AsyncSession) -> None:
    """Each about every quarter of an hour, and later when it could not be read several times."""
    await calendars.read_due_calendars(session, limit=100)
