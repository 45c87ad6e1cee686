"""What free days come from: of many affiliates at once, in as many statements as of one."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.free_days import Calendar, FreeDays
from ..domain.offer import Affiliate, Offer, Tier
from .offers import OFFERS
from .slots import AMONG, schedules_of

LOOKED_AT_ANEW = timedelta(hours=1)  # so often at least: time moves the horizon, and what was missed is seen
SHORTEST_OFFERS = (
    OFFERS.ext(distinct_on(Tier.affiliate_id))
    .where(Tier.affiliate_id == AMONG, Tier.active, Affiliate.application_status == "approved")
    .order_by(Tier.affiliate_id, Tier.duration_minutes)
)


async def claim_free_days(session: AsyncSession, *, limit: int) -> Sequence[FreeDays]:
    """Those that are due, locked; what happens to their schedules from now on makes them due again."""
    due = select(FreeDays.id).where(FreeDays.due_at <= func.now()).order_by(FreeDays.due_at).limit(limit)
    claimed = due.with_for_update(skip_locked=True).cte("due")
    statement = update(FreeDays).where(FreeDays.id == claimed.c.id).values(due_at=func.now() + LOOKED_AT_ANEW)
    return (await session.scalars(statement.returning(FreeDays))).all()


async def calendars_of(session: AsyncSession, affiliate_ids: Sequence[int]) -> dict[int, Calendar]:
    """Of those affiliates that can be booked at all; two statements however many there are."""
    among = {"affiliate_ids": list(affiliate_ids)}
    offers = [Offer(*row) for row in await session.execute(SHORTEST_OFFERS, among)]
    if not offers:
        return {}
    schedules = await schedules_of(session, offers, min(o.earliest for o in offers), max(o.latest for o in offers))
    return {id: Calendar(offer, schedules[id]) for offer in offers for id in [offer.affiliate.affiliate_id]}
