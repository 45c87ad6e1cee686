"""Promotion codes, and how often they were used."""

from sqlalchemy import and_, bindparam, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.pricing import PromotionDoesNotApply

from ..domain.booking import Booking, Status
from ..domain.prices import PromotionCode, Redeemable
from .bookings import LAPSED

PAID = (Status.CONFIRMED, Status.COMPLETED)
# The affiliate's own code goes before the platform's. If all customers share a number of uses, they come one after the
# other; otherwise only what one and the same customer asks for does.
LOCK_PROMOTION = text("""
select promotion_id, pg_advisory_xact_lock(hashtextextended('promotion ' || promotion_id || whose, 0))
  from (select promotion_id, case when promotion ->> 'max_uses' is null then ' of ' || :customer else '' end as whose
          from promotions
         where promotion_id = :promotion_id
            or code = :code and (affiliate_id = :affiliate_id or affiliate_id is null)
         order by affiliate_id nulls last limit 1) as promotion
""")
USES = select(func.count()).where(
    Booking.promotion_id == PromotionCode.promotion_id,
    Booking.id != bindparam("but_for"),
    or_(Booking.status.in_(PAID), and_(Booking.status == Status.HELD, ~LAPSED)),
)
USES_BY_CUSTOMER = USES.where(Booking.customer_id == bindparam("customer_id"))
REDEEMABLE = select(
    PromotionCode.promotion, USES.scalar_subquery(), USES_BY_CUSTOMER.scalar_subquery(), func.clock_timestamp()
).where(PromotionCode.promotion_id == bindparam("promotion_id"))


async def promotion_called(session: AsyncSession, code: str, affiliate_id: int, customer_id: int) -> Redeemable:
    """The promotion with its uses, locked: what was counted stays true. `PromotionDoesNotApply` if there is none."""
    return await _locked(session, customer_id, code=code, affiliate_id=affiliate_id)


async def promotion_of(session: AsyncSession, booking: Booking) -> Redeemable | None:
    """The same of the promotion that a booking has, with its uses by all others."""
    if booking.promotion_id is None:
        return None
    return await _locked(session, booking.customer_id, promotion_id=booking.promotion_id, but_for=booking.id)


async def _locked(
    session: AsyncSession,
    customer_id: int,
    *,
    promotion_id: int | None = None,
    code: str | None = None,
    affiliate_id: int | None = None,
    but_for: int = 0,
) -> Redeemable:
    which = {"promotion_id": promotion_id, "code": code, "affiliate_id": affiliate_id, "customer": str(customer_id)}
    found = await session.scalar(LOCK_PROMOTION, which)
    if found is None:
        raise PromotionDoesNotApply(why="unknown")
    counted = {"promotion_id": found, "customer_id": customer_id, "but_for": but_for}
    return Redeemable(*(await session.execute(REDEEMABLE, counted)).one())
