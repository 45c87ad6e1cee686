"""Promotion codes, and how often they were used."""

from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.pricing import PromotionDoesNotApply

from ..domain.booking import Booking
from ..domain.life import AGREED, WAITING, Status
from ..domain.prices import PromotionCode, Redeemable
from .bookings import LAPSED

# The affiliate's own code goes before the platform's. If all customers share a number of uses, they come one after the
# other; otherwise only what one and the same customer asks for does.
LOCK_PROMOTION = text("""
select promotion_id, pg_advisory_xact_lock(hashtextextended('promotion ' || promotion_id || whose, 0)),
       clock_timestamp() as at
  from (select promotion_id, case when promotion ->> 'max_uses' is null then ' of ' || :customer else '' end as whose
          from promotions
         where promotion_id = :promotion_id
            or code = :code and (affiliate_id = :affiliate_id or affiliate_id is null)
         order by affiliate_id nulls last limit 1) as promotion
""")
USES = select(func.count()).where(
    Booking.promotion_id == PromotionCode.promotion_id,
    or_(Booking.status.in_((*AGREED, Status.NO_SHOW)), and_(Booking.status.in_(WAITING), ~LAPSED)),
)
USES_BY_CUSTOMER = USES.where(Booking.customer_id == bindparam("customer_id"))
REDEEMABLE = select(PromotionCode.promotion, USES.scalar_subquery(), USES_BY_CUSTOMER.scalar_subquery()).where(
    PromotionCode.promotion_id == bindparam("promotion_id")
)


async def promotion_called(session: AsyncSession, code: str, affiliate_id: int, customer_id: int) -> Redeemable:
    """The promotion with its uses, locked: what was counted stays true. `PromotionDoesNotApply` if there is none."""
    named = {"code": code, "affiliate_id": affiliate_id, "promotion_id": None}
    return await _locked(session, customer_id, named)


async def promotion_of(session: AsyncSession, booking: Booking) -> Redeemable | None:
    """The same of the promotion that a booking has; a booking whose hold has run out is none of its uses."""
    return await promotion_with(session, booking.promotion_id, booking.customer_id)


async def promotion_with(session: AsyncSession, promotion_id: int | None, customer_id: int) -> Redeemable | None:
    """The same of one that is known already."""
    if promotion_id is None:
        return None
    return await _locked(session, customer_id, {"code": None, "affiliate_id": None, "promotion_id": promotion_id})


async def _locked(session: AsyncSession, customer_id: int, named: dict[str, Any]) -> Redeemable:
    """The time is that of the lock: whoever had run out by then is not counted."""
    found = (await session.execute(LOCK_PROMOTION, named | {"customer": str(customer_id)})).one_or_none()
    if found is None:
        raise PromotionDoesNotApply(why="unknown")
    uses = {"promotion_id": found.promotion_id, "customer_id": customer_id}
    promotion, by_all, by_customer = (await session.execute(REDEEMABLE, uses)).one()
    return Redeemable(promotion, by_all, by_customer, found.at)
