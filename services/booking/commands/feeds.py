"""Addresses of feeds: given, changed, taken back."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, CustomersOnly
from shared.contracts.booking import CalendarFeedMade, CalendarFeedRevoked
from shared.outbox import record
from shared.personal import is_erased

from ..domain.booking import CustomerGone
from ..domain.feeds import CalendarFeed, new_token
from ..domain.offer import NotYourAffiliate
from ..queries.availability import crew_of
from ..queries.bookings import lock_customer
from ..queries.feeds import feed_for, with_address
from ..queries.offers import get_affiliate
from ..schemas.feeds import FeedRequest


async def make_feed(session: AsyncSession, actor: Actor, wanted: FeedRequest) -> tuple[CalendarFeed, str]:
    """The feed, with an address that exists nowhere but in this answer."""
    if wanted.affiliate_id is None:
        await _must_be_a_customer(session, actor)
    else:
        await _must_run(session, actor, wanted.affiliate_id, wanted.crew_id)
    token = new_token()
    customer_id = actor.customer_id if wanted.affiliate_id is None else None
    whose = {"customer_id": customer_id, "affiliate_id": wanted.affiliate_id, "crew_id": wanted.crew_id}
    feed = await with_address(session, whose, token)
    record(session, CalendarFeedMade.of(feed))
    return feed, token


async def _must_be_a_customer(session: AsyncSession, actor: Actor) -> None:
    """Locked as an erasure locks: whoever was erased gets no feed, though their token be good for some seconds."""
    if actor.customer_id is None:
        raise CustomersOnly
    await lock_customer(session, actor.customer_id)
    if await is_erased(session, f"customer:{actor.customer_id}"):
        raise CustomerGone


async def _must_run(session: AsyncSession, actor: Actor, affiliate_id: int, crew_id: int | None) -> None:
    if not actor.runs(affiliate_id):
        raise NotYourAffiliate
    await get_affiliate(session, affiliate_id)
    if crew_id is not None:
        await crew_of(session, affiliate_id, crew_id)


async def revoke_feed(session: AsyncSession, actor: Actor, feed_id: int) -> None:
    feed = await feed_for(session, actor, feed_id)
    record(session, CalendarFeedRevoked.of(feed, version=feed.version + 1))
    await session.delete(feed)
