"""What the provider keeps for itself, which its entries say: written into the books with them."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared.tasks import Outside

from ..domain.entry import Entry
from ..domain.ledger import Journal
from ..queries.fees import entries_with_fees, entries_without_books, fees_posted, lock_entries
from ..queries.reconciliation import keep_entries
from . import tasks

log = structlog.get_logger()


async def keep(session: AsyncSession, told: Sequence[dict[str, Any]]) -> None:
    """Entries as the provider tells them, whichever are known; a fee that is another one by now, too."""
    await keep_entries(session, told)
    await post(session, await lock_entries(session, [one["stripe_id"] for one in told]))


async def post(session: AsyncSession, entries: Sequence[Entry]) -> int:
    """Bring the books to what locked entries say; how many journals that took."""
    said, posted = await fees_posted(session, entries), 0
    for entry in entries:
        cents, times = said[entry.id]
        if entry.cost_cents != cents:
            session.add(Journal.of_fee(entry, entry.cost_cents - cents, number=times + 1))
            posted += 1
    return posted


def look_for_missing(session: AsyncSession) -> None:
    tasks.enqueue(session, post_missing)


@tasks.call
async def post_missing(outside: Outside, after: int = 0) -> None:
    """Of entries that an earlier release has read: a batch, and then the next."""
    async with outside.begin() as session:
        batch = await entries_without_books(session, after)
        if batch:
            locked = await lock_entries(session, [entry.stripe_id for entry in batch])
            if posted := await post(session, locked):
                log.warning("ledger.fees_posted", journals=posted)
            tasks.enqueue(session, post_missing, after=batch[-1].id)


async def faults(session: AsyncSession) -> list[str]:
    return [
        f"entry {entry.stripe_id} has cost {entry.cost_cents}, and {said} in the books"
        async for entry, said in entries_with_fees(session)
        if entry.cost_cents != said
    ]
