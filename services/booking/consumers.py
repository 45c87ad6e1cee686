"""What booking does when others tell it something."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers, copy_config, keep_newest
from shared.contracts.booking import (
    BOOKING_EVENTS,
    BookingCancelled,
    BookingConfirmed,
    BookingEvent,
    BookingExpired,
)
from shared.contracts.catalog import (
    AFFILIATE_EVENTS,
    AffiliateEvent,
    ConfigChanged,
    OfferChanged,
    OfferEvent,
    OfferPublished,
    OfferWithdrawn,
    PriceListChanged,
    PromotionChanged,
)
from shared.contracts.identity import UserClosed
from shared.contracts.payments import CardSaved, PaymentAuthorised, PaymentCaptured, PaymentOnSite

from .commands import quotes, series
from .commands.free_days import note_change_for_all
from .commands.free_days import note_schedule_change as note_change
from .commands.settlement import settle_agreement, settle_payment
from .domain.availability import Crew
from .domain.offer import Affiliate, Tier
from .domain.prices import AffiliatePrices, PromotionCode
from .personal import personal
from .queries.slots import lock_schedule

consumers = Consumers("booking")
personal.join(consumers)


@consumers.on(*AFFILIATE_EVENTS)
async def copy_affiliate(event: AffiliateEvent, session: AsyncSession) -> None:
    """An affiliate that is new to booking starts with one crew."""
    await lock_schedule(session, event.affiliate_id)
    news = await keep_newest(
        session,
        Affiliate,
        {
            "affiliate_id": event.affiliate_id,
            "version": event.version,
            "name": event.name,
            "application_status": event.application_status,
            "timezone": event.timezone,
            "latitude": event.latitude,
            "longitude": event.longitude,
            "service_radius_m": event.service_radius_m,
            "service_zips": event.service_zips,
            "affiliate_tier": event.affiliate_tier,
            "cancellation_policy": event.cancellation_policy,
            "payment_mode": event.payment_mode,
        },
    )
    if await session.scalar(select(Crew.id).where(Crew.affiliate_id == event.affiliate_id).limit(1)) is None:
        session.add(Crew(affiliate_id=event.affiliate_id, name="Crew 1"))
    if news:
        await note_change(session, event.affiliate_id)
        await series.follow_affiliate(session, event.affiliate_id, event.application_status)


@consumers.on(OfferPublished, OfferChanged, OfferWithdrawn)
async def copy_offer(event: OfferEvent, session: AsyncSession) -> None:
    for tier in event.tiers:
        await keep_newest(
            session,
            Tier,
            {
                "tier_id": tier.tier_id,
                "version": event.version,
                "service_id": event.service_id,
                "affiliate_id": event.affiliate_id,
                "category": event.category,
                "service_name": event.name,
                "tier_name": tier.name,
                "price_cents": tier.price_cents,
                "duration_minutes": tier.duration_minutes,
                "size_prices": tier.size_prices,
                "active": event.active and tier.active,
            },
        )
    await note_change(session, event.affiliate_id)


@consumers.on(PriceListChanged)
async def copy_price_list(event: PriceListChanged, session: AsyncSession) -> None:
    values = {"affiliate_id": event.affiliate_id, "version": event.version, "rules": event.rules}
    await keep_newest(session, AffiliatePrices, values)


@consumers.on(PromotionChanged)
async def copy_promotion(event: PromotionChanged, session: AsyncSession) -> None:
    promotion = event.promotion
    await keep_newest(
        session,
        PromotionCode,
        {
            "promotion_id": event.promotion_id,
            "version": event.version,
            "code": promotion.code,
            "affiliate_id": promotion.affiliate_id,
            "promotion": promotion,
        },
    )


@consumers.on(ConfigChanged)
async def note_config_change(event: ConfigChanged, session: AsyncSession) -> None:
    """Copied here too, whichever consumer comes first: whoever is looked at after this is looked at by it."""
    await copy_config(event, session)
    await note_change_for_all(session)


@consumers.on(UserClosed)
async def end_series_of_closed_account(event: UserClosed, session: AsyncSession) -> None:
    """Nobody is there to pay for what would be booked. Twice there is nothing left to end."""
    if event.customer_id is not None:
        await series.end_all(session, event.customer_id)


@consumers.on_many(*BOOKING_EVENTS)
async def note_schedule_change(events: Sequence[BookingEvent], session: AsyncSession) -> None:
    """Whoever waits for a slot does not wait for this. Often or late it means the same: look again."""
    await note_change(session, *{event.affiliate_id for event in events})


@consumers.on(BookingExpired, BookingCancelled)
async def reopen_quote(event: BookingExpired | BookingCancelled, session: AsyncSession) -> None:
    """In a transaction of its own: whoever ends a booking locks no quote."""
    await quotes.reopen_quote(session, event)


@consumers.on(BookingConfirmed)
async def settle_quote(event: BookingConfirmed, session: AsyncSession) -> None:
    await quotes.settle_quote(session, event)


@consumers.on(PaymentOnSite)
async def confirm_booking_paid_on_site(event: PaymentOnSite, session: AsyncSession) -> None:
    await settle_agreement(session, event)


@consumers.on(PaymentAuthorised, CardSaved)
async def confirm_authorised_booking(event: PaymentAuthorised | CardSaved, session: AsyncSession) -> None:
    await settle_agreement(session, event)


@consumers.on(PaymentCaptured)
async def confirm_paid_booking(event: PaymentCaptured, session: AsyncSession) -> None:
    await settle_payment(session, event)
