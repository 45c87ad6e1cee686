"""Entries of the provider's books with what ours say that it kept of them."""

from collections.abc import AsyncIterator, Collection, Sequence

from sqlalchemy import BigInteger, Select, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.entry import ADJUSTMENT, FEES, Entry
from ..domain.ledger import Account, Journal, Posting

BATCH = 1_000

Posted = tuple[int, int]  # cents, and in how many journals


async def lock_entries(session: AsyncSession, stripe_ids: Collection[str]) -> Sequence[Entry]:
    of = select(Entry).where(Entry.stripe_id.in_(stripe_ids)).order_by(Entry.id)
    return (await session.scalars(of.with_for_update(), execution_options={"populate_existing": True})).all()


async def fees_posted(session: AsyncSession, entries: Sequence[Entry]) -> dict[int | None, Posted]:
    """By entry."""
    fees = (
        select(Journal.entry_id, cast(func.sum(Posting.amount_cents), BigInteger).label("cents"), func.count())
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Journal.entry_id.in_([entry.id for entry in entries]), Posting.account == Account.PROVIDER_FEES)
        .group_by(Journal.entry_id)
    )
    said: dict[int | None, Posted] = {entry.id: (0, 0) for entry in entries}
    for entry_id, *posted in await session.execute(fees):
        said[entry_id] = (posted[0], posted[1])
    return said


async def entries_without_books(session: AsyncSession, after: int) -> Sequence[Entry]:
    """The next of those that have cost something of which no journal says so."""
    costs = (Entry.fee_cents != 0) | Entry.type.in_(FEES)
    told = exists().where(Journal.entry_id == Entry.id)
    return (await session.scalars(_after(after).where(costs, Entry.type != ADJUSTMENT, ~told))).all()


async def entries_with_fees(session: AsyncSession) -> AsyncIterator[tuple[Entry, int]]:
    """Every entry with what the books say that the provider kept of it."""
    after = 0
    while entries := (await session.scalars(_after(after))).all():
        said = await fees_posted(session, entries)
        for entry in entries:
            yield entry, said[entry.id][0]
        after = entries[-1].id


def _after(after: int) -> Select[Entry]:
    return select(Entry).where(Entry.id > after).order_by(Entry.id).limit(BATCH)
