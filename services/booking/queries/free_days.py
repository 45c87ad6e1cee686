"""What free days come from: of many affiliates at once, in as many statements as of one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.availability import Availability, Crew
from ..domain.free_days import Calendar, FreeDays
from ..domain.offer import Affiliate, Offer, Tier
from ..domain.slots import Schedule, Taken
from .offers import OFFERS
from .slots import ALL_CREWS_AND_TAKEN, ALL_WINDOWS, DAY

Of = TypeVar("Of", Availability, Crew)

LOOKED_AT_ANEW = timedelta(hours=1)  # so often at least: time moves the horizon, and what was missed is seen
AMONG = any_(bindparam("affiliate_ids", type_=ARRAY(BigInteger)))
SHORTEST_OFFERS = (
    OFFERS.ext(distinct_on(Tier.affiliate_id))
    .where(Tier.affiliate_id == AMONG, Tier.active, Affiliate.application_status == "approved")
    .order_by(Tier.affiliate_id, Tier.duration_minutes)
)
WINDOWS = ALL_WINDOWS.where(Availability.affiliate_id == AMONG)
CREWS_AND_TAKEN = ALL_CREWS_AND_TAKEN.where(Crew.affiliate_id == AMONG)


async def claim_free_days(session: AsyncSession, *, limit: int) -> Sequence[FreeDays]:
    """Those that are due, locked; what happens to their schedules from now on makes them due again."""
    due = select(FreeDays.id).where(FreeDays.due_at <= func.now()).order_by(FreeDays.due_at).limit(limit)
    claimed = due.with_for_update(skip_locked=True).cte("due")
    statement = update(FreeDays).where(FreeDays.id == claimed.c.id).values(due_at=func.now() + LOOKED_AT_ANEW)
    return (await session.scalars(statement.returning(FreeDays))).all()


async def calendars_of(session: AsyncSession, affiliate_ids: Sequence[int]) -> dict[int, Calendar]:
    """Of those affiliates that can be booked at all; three statements however many there are."""
    among = {"affiliate_ids": list(affiliate_ids)}
    offers = [Offer(*row) for row in await session.execute(SHORTEST_OFFERS, among)]
    if not offers:
        return {}
    windows = _by_affiliate((await session.scalars(WINDOWS, among)).all())
    around = {"first": min(o.earliest for o in offers), "last": max(o.latest for o in offers) + 2 * DAY}
    rows = (await session.execute(CREWS_AND_TAKEN, among | around)).all()
    crews = _by_affiliate({crew.id: crew for crew, *_ in rows}.values())
    taken: dict[int, list[Taken]] = defaultdict(list)
    for crew, *job in rows:
        if job[1] is not None:
            taken[crew.affiliate_id].append(Taken(crew.id, *job))
    found = {}
    for offer in offers:
        of, zone = offer.affiliate.affiliate_id, offer.affiliate.zone
        found[of] = Calendar(offer, Schedule(zone, windows[of], crews[of], taken[of]))
    return found


def _by_affiliate(rows: Iterable[Of]) -> dict[int, list[Of]]:
    found: dict[int, list[Of]] = defaultdict(list)
    for row in rows:
        found[row.affiliate_id].append(row)
    return found
