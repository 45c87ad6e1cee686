"""Keeping the search's read model: it follows from catalog's own facts, and from what booking told."""

from itertools import groupby

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import keep_newest
from shared.contracts.booking import FreeDaysChanged

from ..domain.search import Fact, FreeDays, Listing, SearchAffiliate, SearchOffer
from ..queries.listings import is_incomplete, lock_listing, newest_facts, with_free_days

AT_ONCE = 200  # affiliates

ALONE = (
    "set local statement_timeout = '10min'",
    "set local lock_timeout = '1min'",
    "lock table search_affiliates, search_offers in share row exclusive mode",
)


async def show_in_search(session: AsyncSession, fact: Fact) -> None:
    """Facts of one affiliate come one after another, so that none reckons with what another is about to change."""
    listing = await lock_listing(session, fact.affiliate_id)
    listing.take(fact)
    session.add_all(listing.offers.values())


async def show_free_days(session: AsyncSession, told: FreeDaysChanged) -> None:
    listing = await lock_listing(session, told.affiliate_id)
    days = {"affiliate_id": told.affiliate_id, "version": told.version, "days": told.days}
    if await keep_newest(session, FreeDays, days):
        listing.affiliate.free_days = told.days


async def rebuild_search(session: AsyncSession) -> int:
    """Make the read model anew of the newest fact of each kind; says of how many affiliates.

    Searches see the old one until the commit. What happens meanwhile waits for that.
    """
    for statement in ALONE:
        await session.execute(text(statement))
    await session.execute(delete(SearchOffer))
    await session.execute(delete(SearchAffiliate))
    affiliates = 0
    async for facts in newest_facts(session, AT_ONCE):
        for affiliate_id, told in groupby(facts, key=lambda fact: fact.affiliate_id):
            listing = Listing(SearchAffiliate(affiliate_id=affiliate_id), {})
            listing.take(*told)
            session.add_all([listing.affiliate, *listing.offers.values()])
            affiliates += 1
        await session.flush()
        session.expunge_all()
    await session.execute(with_free_days())
    return affiliates


async def build_search(session: AsyncSession) -> None:
    """Where affiliates are missing in it that were there an hour ago: after the migration that made it, all of them."""
    if await is_incomplete(session):
        await rebuild_search(session)
