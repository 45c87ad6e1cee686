"""When an affiliate works."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.db import enforced_by

from ..domain.availability import WINDOW_MAKES_SENSE, WINDOWS_NO_OVERLAP, Availability, WindowsOverlap
from ..domain.offer import Affiliate, NotYourAffiliate
from ..queries.offers import get_affiliate
from ..queries.slots import lock_schedule
from ..schemas.availability import AvailabilityRequest
from .free_days import note_schedule_change


async def set_availability(
    session: AsyncSession, actor: Actor, affiliate_id: int, wanted: AvailabilityRequest
) -> Affiliate:
    """Replace the weekly windows. Bookings that stand are kept."""
    if not (actor.runs(affiliate_id) or actor.is_staff):
        raise NotYourAffiliate
    affiliate = await get_affiliate(session, affiliate_id)
    await lock_schedule(session, affiliate_id)
    await session.execute(delete(Availability).where(Availability.affiliate_id == affiliate_id))
    session.add_all(
        Availability(affiliate_id=affiliate_id, weekday=w.weekday, opens_minute=w.opens, closes_minute=w.closes)
        for w in wanted.windows
    )
    with enforced_by(WINDOWS_NO_OVERLAP, WindowsOverlap), enforced_by(WINDOW_MAKES_SENSE, WindowsOverlap):
        await session.flush()
    await note_schedule_change(session, affiliate_id)
    return affiliate
