"""Every read of booking, and every lock."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, Select, and_, bindparam, case, exists, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged
from shared.outbox import ErasedPerson

from .domain.availability import Availability, Crew
from .domain.booking import ACTIVE, Booking, CustomerGone, NoSuchBooking, Status
from .domain.offer import Affiliate, NoSuchAffiliate, NoSuchOffer, Offer, PlatformConfig, Tier
from .domain.slots import Schedule, Taken
from .schemas import AvailabilityView, DayView, SlotsView, SlotView, WindowView

LOCK = text("select pg_advisory_xact_lock(hashtextextended('affiliate ' || :affiliate_id, 0))")
LOCK_FOR_BOOKING = text(
    "select pg_advisory_xact_lock(hashtextextended('affiliate ' || affiliate_id, 0)),"
    " pg_advisory_xact_lock(hashtextextended('customer ' || :customer_id, 0)) from tiers where tier_id = :tier_id"
)
LOCK_CUSTOMER = text("select pg_advisory_xact_lock(hashtextextended('customer ' || :customer_id, 0))")
DAY = timedelta(days=1)

# What the hot paths read, built once: building a statement costs more than sending it.
OFFER = (
    select(Tier, Affiliate, PlatformConfig, func.clock_timestamp())
    .join(Affiliate, Affiliate.affiliate_id == Tier.affiliate_id)
    .join(PlatformConfig, PlatformConfig.config_id == 1)
    .where(Tier.tier_id == bindparam("tier_id"))
)
OPEN_HOLDS = select(func.count()).where(
    Booking.customer_id == bindparam("customer_id"),
    Booking.status == Status.HELD,
    Booking.hold_expires_at > func.clock_timestamp(),
)
IS_ERASED = exists().where(
    ErasedPerson.person == func.concat("customer:", bindparam("customer_id", type_=Booking.customer_id.type))
)
OFFER_AND_HOLDS = OFFER.add_columns(OPEN_HOLDS.scalar_subquery(), IS_ERASED)
WINDOWS = (
    select(Availability)
    .where(Availability.affiliate_id == bindparam("affiliate_id"))
    .order_by(Availability.weekday, Availability.opens_minute)
)
MOMENT = DateTime(timezone=True)
AROUND = func.tstzrange(bindparam("first", type_=MOMENT), bindparam("last", type_=MOMENT), "[)", type_=TSTZRANGE)
# Spelled out, as the exclusion constraint has it: so its index serves whatever plan the database takes.
IS_ACTIVE = Booking.status.in_([literal_column(f"'{status}'") for status in ACTIVE])
LAPSED = and_(Booking.status == Status.HELD, Booking.hold_expires_at <= func.clock_timestamp())
CREWS_AND_TAKEN = (
    select(Crew, Booking.id, func.lower(Booking.blocked), func.upper(Booking.blocked), LAPSED)
    .join(Booking, and_(Booking.crew_id == Crew.id, IS_ACTIVE, Booking.blocked.op("&&")(AROUND)), isouter=True)
    .where(Crew.affiliate_id == bindparam("affiliate_id"), Crew.active)
    .order_by(Crew.id)
)


async def lock_schedule(session: AsyncSession, affiliate_id: int) -> None:
    """Whoever changes who is taken when at an affiliate goes first, the others wait: no deadlocks, short queues."""
    await session.execute(LOCK, {"affiliate_id": str(affiliate_id)})


async def lock_for_booking(session: AsyncSession, tier_id: int, customer_id: int) -> tuple[Offer, int]:
    """The offer and the customer's open holds, with the affiliate's schedule locked first, then the customer, as an
    erasure of theirs does: what is booked before it is found by it, and nothing is booked after it."""
    await session.execute(LOCK_FOR_BOOKING, {"tier_id": tier_id, "customer_id": str(customer_id)})
    *offer, holds, erased = await _offered(session, OFFER_AND_HOLDS, tier_id=tier_id, customer_id=customer_id)
    if erased:
        raise CustomerGone
    return Offer(*offer), holds


async def lock_customer(session: AsyncSession, customer_id: int) -> None:
    await session.execute(LOCK_CUSTOMER, {"customer_id": str(customer_id)})


async def get_offer(session: AsyncSession, tier_id: int) -> Offer:
    return Offer(*await _offered(session, OFFER, tier_id=tier_id))


async def _offered(session: AsyncSession, statement: Select[Any], **of: int) -> Any:
    row = (await session.execute(statement, of)).one_or_none()
    if row is None:
        raise NoSuchOffer
    return row


async def get_affiliate(session: AsyncSession, affiliate_id: int) -> Affiliate:
    affiliate = await session.get(Affiliate, affiliate_id)
    if affiliate is None:
        raise NoSuchAffiliate
    return affiliate


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
    return list(crews.values()), [Taken(crew.id, *taken) for crew, *taken in rows if taken[0] is not None]


async def availability_of(session: AsyncSession, affiliate_id: int) -> AvailabilityView:
    affiliate = await get_affiliate(session, affiliate_id)
    windows = [WindowView.model_validate(window) for window in await windows_of(session, affiliate_id)]
    return AvailabilityView(affiliate_id=affiliate_id, timezone=affiliate.timezone, windows=windows)


async def slots_of(session: AsyncSession, tier_id: int, days: Sequence[date]) -> SlotsView:
    """Bookable times on these local days; four statements whatever the range."""
    offer = await get_offer(session, tier_id)
    offer.must_be_bookable()
    tier, affiliate = offer.tier, offer.affiliate
    within = [day for day in days if offer.earliest.date() - DAY <= day <= offer.latest.date() + DAY]
    schedule = await schedule_of(session, affiliate, days[0], days[-1])
    found: dict[date, list[SlotView]] = {day: [] for day in days}
    for slot in schedule.slots(within, tier.duration_minutes, earliest=offer.earliest):
        if slot.starts_at <= offer.latest:
            found[slot.starts_at.astimezone(affiliate.zone).date()].append(SlotView.model_validate(slot))
    return SlotsView(
        affiliate_id=affiliate.affiliate_id,
        tier_id=tier_id,
        timezone=affiliate.timezone,
        price_cents=tier.price_cents,
        currency=offer.config.currency,
        days=[DayView(date=day, slots=slots) for day, slots in found.items()],
    )


async def lapsed_holds(session: AsyncSession, ids: Sequence[int]) -> Sequence[Booking]:
    """Those of these bookings that are still unpaid holds whose time has run out, locked."""
    return (await session.scalars(_lapsed().where(Booking.id.in_(ids)).with_for_update())).all()


async def holds_past_their_time(session: AsyncSession, *, limit: int) -> Sequence[Booking]:
    statement = _lapsed().order_by(Booking.hold_expires_at).limit(limit)
    return (await session.scalars(statement.with_for_update(skip_locked=True))).all()


def _lapsed() -> Select[Booking]:
    return select(Booking).where(LAPSED)


async def get_booking(session: AsyncSession, booking_id: int, *, lock: bool = False) -> Booking:
    booking = await session.get(Booking, booking_id, with_for_update=lock or None)
    if booking is None:
        raise NoSuchBooking
    return booking


async def booking_for(session: AsyncSession, actor: Actor, booking_id: int, *, lock: bool = False) -> Booking:
    """A booking that this actor may see; to all others it does not exist."""
    booking = await get_booking(session, booking_id, lock=lock)
    if not booking.may_be_seen_by(actor):
        raise NoSuchBooking
    return booking


async def bookings_of(session: AsyncSession, actor: Actor, page: Page, status: Status | None) -> Paged[Booking]:
    statement = select(Booking)
    if not actor.is_staff:
        statement = statement.where(
            or_(Booking.customer_id == actor.customer_id, Booking.affiliate_id.in_(actor.affiliates))
        )
    if status is not None:
        statement = statement.where(Booking.status == status)
    return await page.of(session, statement, Booking.appointment_start, Booking.id, descending=True)


async def live_until(session: AsyncSession, customer_id: int) -> datetime | None:
    """When the last of the customer's live bookings ends: held until the job ends it, or confirmed and not over."""
    confirmed = and_(Booking.status == Status.CONFIRMED, Booking.appointment_end > func.clock_timestamp())
    ends = func.max(case((Booking.status == Status.HELD, Booking.hold_expires_at), else_=Booking.appointment_end))
    live = or_(Booking.status == Status.HELD, confirmed)
    until: datetime | None = await session.scalar(select(ends).where(Booking.customer_id == customer_id, live))
    return until
