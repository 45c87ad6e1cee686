"""What happens to promotion codes."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, AdminsOnly
from shared.consumers import keep_newest
from shared.contracts.booking import BookingEvent
from shared.contracts.catalog import PromotionChanged
from shared.db import enforced_by
from shared.outbox import record

from ..domain.category import UnknownCategory
from ..domain.promotion import (
    CODE_UNIQUE,
    PROMOTION_CATEGORY_EXISTS,
    WINDOW,
    CodeTaken,
    EndsBeforeItBegins,
    Promotion,
    PromotionUse,
)
from ..queries.affiliates import affiliate_for
from ..queries.promotions import promotion_for
from ..schemas.promotions import PromotionLimitsRequest, PromotionRequest

STANDING = ("requested", "held", "confirmed", "en_route", "in_progress", "completed", "no_show")


async def begin_promotion(session: AsyncSession, actor: Actor, wanted: PromotionRequest) -> Promotion:
    await _must_decide(session, actor, wanted.affiliate_id)
    terms = wanted.model_dump(exclude={"affiliate_id", "categories"})
    promotion = Promotion.begin(wanted.affiliate_id, wanted.categories, terms)
    session.add(promotion)
    await _tell(session, promotion)
    return promotion


async def limit_promotion(
    session: AsyncSession, actor: Actor, promotion_id: int, version: int | None, wanted: PromotionLimitsRequest
) -> Promotion:
    promotion = await _load(session, actor, promotion_id, version)
    promotion.limit(wanted.ends_at, wanted.max_uses, wanted.max_uses_per_customer)
    await _tell(session, promotion)
    return promotion


async def end_promotion(session: AsyncSession, actor: Actor, promotion_id: int, version: int | None) -> Promotion:
    promotion = await _load(session, actor, promotion_id, version)
    promotion.end()
    await _tell(session, promotion)
    return promotion


async def count_use(session: AsyncSession, booking: BookingEvent) -> None:
    """What booking told last of this booking stands; it gives the code back when it comes to nothing."""
    if booking.promotion_id is not None:
        values = {
            "booking_id": booking.booking_id,
            "version": booking.version,
            "promotion_id": booking.promotion_id,
            "customer_id": booking.customer_id,
            "counts": booking.status in STANDING,
        }
        await keep_newest(session, PromotionUse, values)


async def _load(session: AsyncSession, actor: Actor, promotion_id: int, version: int | None) -> Promotion:
    promotion = await promotion_for(session, actor, promotion_id, lock=True)
    await _must_decide(session, actor, promotion.affiliate_id)
    promotion.expect(version)
    return promotion


async def _must_decide(session: AsyncSession, actor: Actor, affiliate_id: int | None) -> None:
    """An affiliate gives of its own, the platform's administrators of the platform's."""
    if affiliate_id is not None:
        (await affiliate_for(session, actor, affiliate_id)).must_be_run_by(actor)
    elif not actor.is_admin:
        raise AdminsOnly


async def _tell(session: AsyncSession, promotion: Promotion) -> None:
    with (
        enforced_by(CODE_UNIQUE, CodeTaken),
        enforced_by(WINDOW, EndsBeforeItBegins),
        enforced_by(PROMOTION_CATEGORY_EXISTS, UnknownCategory),
    ):
        await session.flush()
    record(session, PromotionChanged.of(promotion))
