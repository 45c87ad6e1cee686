"""Every read of booking, and every lock."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.errors import NotFound
from shared.http import Page, Paged

from .domain.availability import Availability, Crew
from .domain.booking import ACTIVE, Booking, NoSuchBooking, Status
from .domain.offer import Affiliate, Offer, PlatformConfig, Tier
from .domain.slots import Schedule, Taken
from .schemas import AvailabilityView, DayView, SlotsView, SlotView, WindowView

LOCKS = text(
    "select pg_advisory_xact_lock(hashtextextended('affiliate ' || :affiliate_id, 0)),"
    " pg_advisory_xact_lock(hashtextextended('customer ' || :customer_id, 0))"
)
LOCK = text("select pg_advisory_xact_lock(hashtextextended('affiliate ' || :affiliate_id, 0))")
DAY = timedelta(days=1)


class NoSuchOffer(NotFound):
    """There is no such tier."""


class NoSuchAffiliate(NotFound):
    """There is no such affiliate."""


async def lock_schedule(session: AsyncSession, affiliate_id: int) -> None:
    """Whoever changes who is taken when at an affiliate goes first, the others wait: no deadlocks, short queues."""
    await session.execute(LOCK, {"affiliate_id": str(affiliate_id)})


async def lock_for_booking(session: AsyncSession, tier_id: int, customer_id: int) -> Offer:
    """The offer, with its affiliate's schedule locked, then the customer (always in that order)."""
    affiliate_id = await session.scalar(select(Tier.affiliate_id).where(Tier.tier_id == tier_id))
    if affiliate_id is None:
        raise NoSuchOffer
    await session.execute(LOCKS, {"affiliate_id": str(affiliate_id), "customer_id": str(customer_id)})
    return await get_offer(session, tier_id)


async def get_offer(session: AsyncSession, tier_id: int) -> Offer:
    statement = (
        select(Tier, Affiliate, PlatformConfig, func.clock_timestamp())
        .join(Affiliate, Affiliate.affiliate_id == Tier.affiliate_id)
        .join(PlatformConfig, PlatformConfig.config_id == 1)
        .where(Tier.tier_id == tier_id)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NoSuchOffer
    return Offer(*row)


async def get_affiliate(session: AsyncSession, affiliate_id: int) -> Affiliate:
    affiliate = await session.get(Affiliate, affiliate_id)
    if affiliate is None:
        raise NoSuchAffiliate
    return affiliate


async def windows_of(session: AsyncSession, affiliate_id: int) -> Sequence[Availability]:
    of = select(Availability).where(Availability.affiliate_id == affiliate_id)
    return (await session.scalars(of.order_by(Availability.weekday, Availability.opens_minute))).all()


async def crews_of(session: AsyncSession, affiliate_id: int) -> Sequence[Crew]:
    of = select(Crew).where(Crew.affiliate_id == affiliate_id, Crew.active).order_by(Crew.id)
    return (await session.scalars(of)).all()


async def schedule_of(session: AsyncSession, affiliate: Affiliate, first: date, last: date) -> Schedule:
    """What slots on these local days come from, in three statements whatever the range."""
    midnight = datetime.combine(first, datetime.min.time(), affiliate.zone)
    around = Range(midnight - DAY, datetime.combine(last, datetime.min.time(), affiliate.zone) + 2 * DAY, bounds="[)")
    return Schedule(
        zone=affiliate.zone,
        windows=await windows_of(session, affiliate.affiliate_id),
        crews=await crews_of(session, affiliate.affiliate_id),
        taken=await taken(session, affiliate.affiliate_id, around),
    )


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


async def taken(session: AsyncSession, affiliate_id: int, around: Range[datetime]) -> list[Taken]:
    """What keeps crews from other jobs in this range. An unpaid hold that has run out does not, job or no job."""
    alive = or_(Booking.status != Status.HELD, Booking.hold_expires_at > func.clock_timestamp())
    statement = select(Booking.crew_id, func.lower(Booking.blocked), func.upper(Booking.blocked)).where(
        Booking.affiliate_id == affiliate_id,
        Booking.status.in_(ACTIVE),
        alive,
        Booking.blocked.op("&&")(_range(around)),
    )
    return [Taken(*row) for row in await session.execute(statement)]


async def lapsed_holds(session: AsyncSession, crew_id: int, blocked: Range[datetime]) -> Sequence[Booking]:
    """Holds of this crew that ran out and still stand in the way of this range, locked."""
    statement = _lapsed().where(Booking.crew_id == crew_id, Booking.blocked.op("&&")(_range(blocked)))
    return (await session.scalars(statement.with_for_update())).all()


async def holds_past_their_time(session: AsyncSession, *, limit: int) -> Sequence[Booking]:
    statement = _lapsed().order_by(Booking.hold_expires_at).limit(limit)
    return (await session.scalars(statement.with_for_update(skip_locked=True))).all()


def _lapsed() -> Select[Booking]:
    return select(Booking).where(Booking.status == Status.HELD, Booking.hold_expires_at <= func.clock_timestamp())


def _range(value: Range[datetime]) -> object:
    return func.tstzrange(value.lower, value.upper, "[)", type_=TSTZRANGE)


async def open_holds(session: AsyncSession, customer_id: int) -> int:
    of = select(func.count()).where(Booking.customer_id == customer_id, Booking.status == Status.HELD)
    return await session.scalar(of.where(Booking.hold_expires_at > func.clock_timestamp())) or 0


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
