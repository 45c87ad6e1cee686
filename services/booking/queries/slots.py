"""When an affiliate can come: its windows, its crews, and what keeps them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import DateTime, bindparam, false, func, null, select, text, true, union_all
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.availability import Availability, Crew
from ..domain.booking import Booking
from ..domain.calendars import ExternalBusy
from ..domain.offer import Affiliate
from ..domain.slots import Schedule, Taken
from ..schemas.slots import DayView, SlotsView, SlotView
from .bookings import IS_ACTIVE, LAPSED
from .offers import get_offer

LOCK = text("select pg_advisory_xact_lock(hashtextextended('affiliate ' || :affiliate_id, 0))")
DAY = timedelta(days=1)
ALL_WINDOWS = select(Availability).order_by(Availability.weekday, Availability.opens_minute)
WINDOWS = ALL_WINDOWS.where(Availability.affiliate_id == bindparam("affiliate_id"))
MOMENT = DateTime(timezone=True)
AROUND = func.tstzrange(bindparam("first", type_=MOMENT), bindparam("last", type_=MOMENT), "[)", type_=TSTZRANGE)
BOOKED = select(Booking.id, func.lower(Booking.blocked), func.upper(Booking.blocked), LAPSED).where(
    Booking.crew_id == Crew.id, IS_ACTIVE, Booking.blocked.op("&&")(AROUND)
)
BUSY = select(null(), func.lower(ExternalBusy.during), func.upper(ExternalBusy.during), false()).where(
    ExternalBusy.crew_id == Crew.id, ExternalBusy.during.op("&&")(AROUND)
)
# For each crew at a time, so that each half is looked up in its index.
TAKEN = union_all(BOOKED.correlate(Crew), BUSY.correlate(Crew)).lateral("taken")
ALL_CREWS_AND_TAKEN = select(Crew, *TAKEN.c).join(TAKEN, true(), isouter=True).where(Crew.active).order_by(Crew.id)
CREWS_AND_TAKEN = ALL_CREWS_AND_TAKEN.where(Crew.affiliate_id == bindparam("affiliate_id"))


async def lock_schedule(session: AsyncSession, affiliate_id: int) -> None:
    """Whoever changes who is taken when at an affiliate goes first, the others wait: no deadlocks, short queues."""
    await session.execute(LOCK, {"affiliate_id": str(affiliate_id)})


async def windows_of(session: AsyncSession, affiliate_id: int) -> Sequence[Availability]:
    return (await session.scalars(WINDOWS, {"affiliate_id": affiliate_id})).all()


async def schedule_of(session: AsyncSession, affiliate: Affiliate, first: date, last: date) -> Schedule:
    """What slots on these local days come from, in two statements whatever the range."""
    midnight = datetime.combine(first, datetime.min.time(), affiliate.zone)
    around = Range(midnight - DAY, datetime.combine(last, datetime.min.time(), affiliate.zone) + 2 * DAY, bounds="[)")
    windows = await windows_of(session, affiliate.affiliate_id)
    crews, taken = await crews_and_taken(session, affiliate.affiliate_id, around)
    return Schedule(affiliate.zone, windows, crews, taken)


async def crews_and_taken(
    session: AsyncSession, affiliate_id: int, around: Range[datetime]
) -> tuple[list[Crew], list[Taken]]:
    """An affiliate's crews, and what keeps them from other jobs in this range."""
    sought = {"affiliate_id": affiliate_id, "first": around.lower, "last": around.upper}
    rows = (await session.execute(CREWS_AND_TAKEN, sought)).all()
    crews = {crew.id: crew for crew, *_ in rows}
    return list(crews.values()), [Taken(crew.id, *taken) for crew, *taken in rows if taken[1] is not None]


async def slots_of(session: AsyncSession, tier_id: int, days: Sequence[date], add_on_ids: Sequence[int]) -> SlotsView:
    """Bookable times on these local days; four statements whatever the range."""
    offer = await get_offer(session, tier_id)
    offer.must_be_bookable()
    affiliate, minutes = offer.affiliate, offer.minutes_with(add_on_ids)
    within = [day for day in days if offer.earliest.date() - DAY <= day <= offer.latest.date() + DAY]
    schedule = await schedule_of(session, affiliate, days[0], days[-1])
    found: dict[date, list[SlotView]] = {day: [] for day in days}
    for slot in schedule.slots(within, minutes, earliest=offer.earliest):
        if slot.starts_at <= offer.latest:
            found[slot.starts_at.astimezone(affiliate.zone).date()].append(SlotView.model_validate(slot))
    return SlotsView(
        affiliate_id=affiliate.affiliate_id,
        tier_id=tier_id,
        timezone=affiliate.timezone,
        price_cents=offer.tier.price_cents,
        currency=offer.config.currency,
        days=[DayView(date=day, slots=slots) for day, slots in found.items()],
    )
