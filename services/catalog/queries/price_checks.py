"""What a price check reads: one statement for the offer, one for a promotion code."""

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.affiliate import Affiliate
from ..domain.config import THE_ONE, MdhConfig
from ..domain.onboarding import ApplicationStatus
from ..domain.price_check import Coupon, NoSuchOffer, Offer
from ..domain.price_list import PriceList
from ..domain.promotion import Promotion, PromotionUse
from ..domain.service import Service
from ..domain.service_area import ServiceAreaZip
from ..domain.tier import ServiceTier, TierSizePrice
from .prices import RULES, list_of, object_of

IS_OFFERED = and_(
    ServiceTier.active,
    ServiceTier.deleted_at.is_(None),
    Service.active,
    Service.deleted_at.is_(None),
    Affiliate.application_status == ApplicationStatus.APPROVED,
    Affiliate.deleted_at.is_(None),
)
ZIPS = list_of(ServiceAreaZip.zip, ServiceAreaZip.affiliate_id == Affiliate.id, ServiceAreaZip.zip)
# Built once, as it is asked for more often than anything else that is not cached.
OFFER = (
    select(
        ServiceTier.name.label("tier_name"),
        Service.category.label("tier_category"),
        ServiceTier.price_cents.label("tier_price_cents"),
        ServiceTier.duration_minutes.label("tier_duration_minutes"),
        list_of(
            object_of(TierSizePrice.size_class, TierSizePrice.price_cents),
            TierSizePrice.tier_id == ServiceTier.id,
            TierSizePrice.id,
        ).label("tier_size_prices"),
        IS_OFFERED.label("is_offered"),
        Affiliate.id.label("affiliate_id"),
        Affiliate.latitude,
        Affiliate.longitude,
        Affiliate.service_radius_m,
        list_of(ServiceAreaZip.zip, ServiceAreaZip.affiliate_id == Affiliate.id, ServiceAreaZip.zip).label(
            "service_zips"
        ),
        RULES.label("rules"),
        MdhConfig.currency,
        func.clock_timestamp().label("at"),
        Service.version.label("service_version"),
        PriceList.version.label("price_list_version"),
    )
    .join(Service, Service.id == ServiceTier.service_id)
    .join(Affiliate, Affiliate.id == Service.affiliate_id)
    .join(MdhConfig, MdhConfig.id == THE_ONE)
    .join(PriceList, PriceList.affiliate_id == Affiliate.id, isouter=True)
    .where(ServiceTier.id == bindparam("tier_id"))
)
USES = select(func.count()).where(PromotionUse.promotion_id == Promotion.id, PromotionUse.counts)
USES_BY_CUSTOMER = USES.where(PromotionUse.customer_id == bindparam("customer_id"))


async def get_offer(session: AsyncSession, tier_id: int) -> Offer:
    row = (await session.execute(OFFER, {"tier_id": tier_id})).one_or_none()
    if row is None:
        raise NoSuchOffer
    return Offer.read(row)


async def find_coupon(session: AsyncSession, code: str, affiliate_id: int, customer_id: int | None) -> Coupon | None:
    """The affiliate's own code goes before the platform's."""
    called = (
        select(Promotion, USES.scalar_subquery(), USES_BY_CUSTOMER.scalar_subquery())
        .where(Promotion.code == code, Promotion.affiliate_id.is_(None) | (Promotion.affiliate_id == affiliate_id))
        .order_by(Promotion.affiliate_id.nulls_last())
        .limit(1)
    )
    row = (await session.execute(called, {"customer_id": customer_id or 0})).one_or_none()
    return None if row is None else Coupon(row[0].promotion, row[1], row[2])
