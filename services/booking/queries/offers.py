"""What is sold, by whom, on which terms; and the locks under which it is sold."""

from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.outbox import ErasedPerson
from shared.platform_config import THE_ONE, PlatformConfig

from ..domain.booking import Booking, CustomerGone
from ..domain.offer import Affiliate, NoSuchAffiliate, NoSuchOffer, Offer, Tier
from ..domain.prices import AffiliatePrices
from ..domain.schedule_settings import ScheduleSettings
from .bookings import IS_WAITING

LOCK_FOR_BOOKING = text(
    "select pg_advisory_xact_lock(hashtextextended('affiliate ' || affiliate_id, 0)),"
    " pg_advisory_xact_lock(hashtextextended('customer ' || :customer_id, 0)) from tiers where tier_id = :tier_id"
)
# What the hot paths read, built once: building a statement costs more than sending it.
OFFERS = (
    select(Tier, Affiliate, PlatformConfig, AffiliatePrices.rules, func.clock_timestamp(), ScheduleSettings)
    .join(Affiliate, Affiliate.affiliate_id == Tier.affiliate_id)
    .join(PlatformConfig, PlatformConfig.config_id == THE_ONE)
    .join(AffiliatePrices, AffiliatePrices.affiliate_id == Tier.affiliate_id, isouter=True)
    .join(ScheduleSettings, ScheduleSettings.affiliate_id == Tier.affiliate_id, isouter=True)
)
OFFER = OFFERS.where(Tier.tier_id == bindparam("tier_id"))
OPEN_HOLDS = select(func.count()).where(
    Booking.customer_id == bindparam("customer_id"),
    IS_WAITING,
    Booking.hold_expires_at > func.clock_timestamp(),
)
IS_ERASED = exists().where(
    ErasedPerson.person == func.concat("customer:", bindparam("customer_id", type_=Booking.customer_id.type))
)
OFFER_AND_HOLDS = OFFER.add_columns(OPEN_HOLDS.scalar_subquery(), IS_ERASED)


async def lock_for_booking(session: AsyncSession, tier_id: int, customer_id: int) -> tuple[Offer, int]:
    """The offer and the customer's open holds, with the affiliate's schedule locked first, then the customer, as an
    erasure of theirs does: what is booked before it is found by it, and nothing is booked after it."""
    await session.execute(LOCK_FOR_BOOKING, {"tier_id": tier_id, "customer_id": str(customer_id)})
    *offer, holds, erased = await _offered(session, OFFER_AND_HOLDS, tier_id=tier_id, customer_id=customer_id)
    if erased:
        raise CustomerGone
    return Offer(*offer), holds


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
