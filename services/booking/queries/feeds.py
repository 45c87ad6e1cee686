"""Feeds, and what they say; two statements, whatever is in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.availability import Crew
from ..domain.booking import Booking
from ..domain.feeds import BACK, CANCELLED_FOR, MOST_EVENTS, CalendarFeed, Contents, Entry, NoSuchFeed, hash_of
from ..domain.life import Status
from ..domain.offer import Affiliate
from .bookings import LAPSED

WHOSE = "uq_calendar_feeds_whose"
FEEDS = select(CalendarFeed, Affiliate.name, Crew.name).join(
    Affiliate, Affiliate.affiliate_id == CalendarFeed.affiliate_id, isouter=True
)
FEEDS = FEEDS.join(Crew, Crew.id == CalendarFeed.crew_id, isouter=True)
BOOKINGS = (
    select(Booking, Affiliate.name, Crew.name)
    .join(Affiliate, Affiliate.affiliate_id == Booking.affiliate_id)
    .join(Crew, Crew.id == Booking.crew_id)
    .order_by(Booking.appointment_start.desc(), Booking.id.desc())
    .limit(MOST_EVENTS)
)


async def contents_at(session: AsyncSession, token: str, host: str, at: datetime) -> Contents:
    """What stands at a secret address."""
    found = (await session.execute(FEEDS.where(CalendarFeed.token_hash == hash_of(token)))).one_or_none()
    if found is None:
        raise NoSuchFeed
    feed, affiliate, crew = found
    rows = await session.execute(BOOKINGS.where(*_told_in(feed, at)))
    entries = [
        Entry.of(booking, feed.reader, affiliate_name if feed.affiliate_id is None else crew_name, host)
        for booking, affiliate_name, crew_name in rows
    ]
    return Contents(", ".join(filter(None, (affiliate, crew))) or "Mobile Detail Hub", entries)


def _told_in(feed: CalendarFeed, at: datetime) -> list[ColumnElement[bool]]:
    whose = {"customer_id": feed.customer_id, "affiliate_id": feed.affiliate_id, "crew_id": feed.crew_id}
    cancelled = and_(Booking.status == Status.CANCELLED, Booking.updated_at < at - CANCELLED_FOR)
    return [
        *(getattr(Booking, name) == id for name, id in whose.items() if id is not None),
        Booking.status.in_(feed.shows),
        Booking.appointment_start > at - BACK,
        ~or_(cancelled, LAPSED),
    ]


async def feeds_of(session: AsyncSession, actor: Actor, page: Page) -> Paged[CalendarFeed]:
    """Those whose address this actor may change, oldest first."""
    run = [affiliate_id for affiliate_id in actor.affiliates if actor.runs(affiliate_id)]
    own = and_(CalendarFeed.affiliate_id.is_(None), CalendarFeed.customer_id == actor.customer_id)
    mine = or_(own, CalendarFeed.affiliate_id.in_(run))
    return await page.of(session, select(CalendarFeed).where(mine), CalendarFeed.created_at, CalendarFeed.id)


async def feed_for(session: AsyncSession, actor: Actor, feed_id: int) -> CalendarFeed:
    """One whose address this actor may change, locked."""
    feed = await session.get(CalendarFeed, feed_id, with_for_update=True)
    if feed is None or not feed.may_be_changed_by(actor):
        raise NoSuchFeed
    return feed


async def with_address(session: AsyncSession, whose: dict[str, int | None], token: str) -> CalendarFeed:
    """The feed, made if there was none, with a new address; what led to it before leads nowhere."""
    values: dict[str, Any] = {**whose, "token_hash": hash_of(token), "version": 1}
    row = insert(CalendarFeed).values(values)
    changed = {"token_hash": row.excluded.token_hash, "version": CalendarFeed.version + 1, "updated_at": func.now()}
    kept = row.on_conflict_do_update(constraint=WHOSE, set_=changed).returning(CalendarFeed)
    return (await session.scalars(kept, execution_options={"populate_existing": True})).one()
