"""Each day of the provider's books is read and compared with ours, page by page, so that a crash costs one page."""

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.errors import Conflict
from shared.tasks import Outside

from ..clients import Provider
from ..queries.discrepancies import what_is_open
from ..queries.reconciliation import (
    bounds,
    count_entries,
    differences_now,
    last_day,
    lock_day,
    payments_of_day,
    payouts_of_day,
    strangers_of_day,
)
from . import events, fees, tasks
from .discrepancies import examine

BOOKED_AFTER = timedelta(hours=3)  # a day's end; by then the provider shows all of it
CATCHES_UP = 31  # days at most


class DayNotBooked(Conflict):
    """A day can be reconciled three hours after it has ended, in UTC."""


async def reconcile_missing(session: AsyncSession) -> None:
    """Every day since the last one, as soon as it can be; the first time, yesterday."""
    latest = (now() - BOOKED_AFTER).date() - timedelta(days=1)
    first = (await last_day(session) or latest - timedelta(days=1)) + timedelta(days=1)
    for ago in range(min((latest - first).days, CATCHES_UP), -1, -1):
        await reconcile(session, latest - timedelta(days=ago))


async def reconcile(session: AsyncSession, day: date) -> None:
    """Again, if it was before."""
    if bounds(day)[1] + BOOKED_AFTER > now():
        raise DayNotBooked(day=str(day))
    await begin(session, day)


async def begin(session: AsyncSession, day: date) -> None:
    known = await lock_day(session, day)
    known.suspects, known.finished_at = 0, None
    events.look_between(session, *bounds(day))
    tasks.enqueue(session, read_day, day=str(day))


@tasks.call
async def read_day(outside: Outside, day: str, after: str | None = None) -> None:
    """One page of the provider's entries, and then the next."""
    start, end = bounds(date.fromisoformat(day))
    told = await outside.client(Provider).entries_between(start, end, after)
    async with outside.begin() as session:
        await fees.keep(session, told)
        if told:
            tasks.enqueue(session, read_day, day=day, after=told[-1]["stripe_id"])
        else:
            tasks.enqueue(session, compare_day, day=day)


@tasks.call
async def compare_day(outside: Outside, day: str, after: int = 0) -> None:
    """A batch of payments, and then the next; whatever does not agree is asked about."""
    at = date.fromisoformat(day)
    async with outside.begin() as session:
        known = await lock_day(session, at)
        batch = await payments_of_day(session, at, after)
        for payment in batch:
            if await differences_now(session, payment):
                known.suspects += 1
                examine(session, f"payment:{payment.id}")
        if batch:
            tasks.enqueue(session, compare_day, day=day, after=batch[-1].id)
        else:
            await _finish(session, at)


async def _finish(session: AsyncSession, at: date) -> None:
    """What is no payment's; and what was open before, so that it closes by itself."""
    known = await lock_day(session, at)
    about = {f"payout:{payout_id}" for payout_id in await payouts_of_day(session, at)}
    strangers = [f"entry:{entry_id}" for entry_id in await strangers_of_day(session, at)]
    for one in sorted(about | set(strangers) | set(await what_is_open(session))):
        examine(session, one)
    known.suspects += len(strangers)
    known.entries, known.finished_at = await count_entries(session, at), now()
