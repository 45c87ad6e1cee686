"""HTTP: times that can be booked."""

from datetime import date, timedelta
from typing import Annotated

from shared.db import ReadSession
from shared.http import QueryId, QueryIds, days
from shared.http import router as new_router

from ..queries.slots import slots_of
from ..schemas.slots import SlotsView

router = new_router("booking", "booking")


@router.get("/slots", response_model=SlotsView)
async def slots(
    session: ReadSession, tier_id: QueryId, asked: Annotated[tuple[date, date], days(31)], add_on_ids: QueryIds
) -> SlotsView:
    """Times that can be booked, by the affiliate's local days, both ends included; long enough for these add-ons, too.
    `price_cents` is the tier's: a price check says what the job costs."""
    first, last = asked
    every_day = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return await slots_of(session, tier_id, every_day, add_on_ids)
