"""What happens to an affiliate."""

from secrets import token_hex

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.catalog import AffiliateApplied, AffiliateChanged
from shared.contracts.payments import AccountChanged
from shared.contracts.reviews import RatingChanged
from shared.db import enforced_by
from shared.errors import ChangedMeanwhile
from shared.outbox import record
from shared.places import Place, place_of
from shared.platform_config import Feature, must_be_on

from ..domain.affiliate import (
    ONE_OPEN_APPLICATION,
    SLUG_UNIQUE,
    Affiliate,
    ApplicationPending,
    InsuranceExpired,
    slug_of,
)
from ..queries.affiliates import affiliate_for, get_affiliate, is_slug_taken
from ..queries.config import get_config
from ..schemas.affiliates import AffiliateChangeRequest, AffiliateRequest
from .onboarding import note
from .service_area import must_be_known

WHERE = {"zip", "city", "state"}
AREA = {"service_zips"}


async def apply(session: AsyncSession, actor: Actor, wanted: AffiliateRequest) -> Affiliate:
    """Whoever applies owns the affiliate. Its place and time zone come from its zip code."""
    assert actor.user_id is not None
    await must_be_on(session, Feature.APPLICATIONS)
    place = place_of(wanted.zip).called(wanted.city, wanted.state)
    slug = await _free_slug(session, wanted.name)
    must_be_known(wanted.service_zips)
    await _must_be_sound(session, wanted)
    details = wanted.model_dump(exclude=WHERE | AREA)
    affiliate = Affiliate.apply(actor.user_id, slug, place, details, wanted.service_zips)
    session.add(affiliate)
    with enforced_by(ONE_OPEN_APPLICATION, ApplicationPending), enforced_by(SLUG_UNIQUE, ChangedMeanwhile):
        await session.flush()
    note(session, affiliate, None, affiliate.owner_user_id)
    record(session, AffiliateApplied.of(affiliate))
    return affiliate


async def _free_slug(session: AsyncSession, name: str) -> str:
    slug = slug_of(name)
    return f"{slug}-{token_hex(4)}" if await is_slug_taken(session, slug) else slug


async def change_affiliate(
    session: AsyncSession, actor: Actor, affiliate_id: int, version: int | None, wanted: AffiliateChangeRequest
) -> Affiliate:
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    affiliate.expect(version)
    await _must_be_sound(session, wanted)
    if wanted.payment_mode is not None:
        (await get_config(session)).must_offer_mode(wanted.payment_mode)
    affiliate.change(wanted.model_dump(exclude=WHERE, exclude_none=True), _moved(affiliate, wanted))
    record(session, AffiliateChanged.of(affiliate))
    return affiliate


async def _must_be_sound(session: AsyncSession, wanted: AffiliateRequest | AffiliateChangeRequest) -> None:
    if wanted.insurance_expires_on is not None and wanted.insurance_expires_on < now().date():
        raise InsuranceExpired
    if wanted.cancellation_policy is not None:
        (await get_config(session)).must_offer(wanted.cancellation_policy)


async def count_among(session: AsyncSession, affiliate_id: int, version: int | None, tier: str) -> Affiliate:
    affiliate = await get_affiliate(session, affiliate_id, lock=True)
    affiliate.expect(version)
    if affiliate.count_among(tier):
        record(session, AffiliateChanged.of(affiliate))
    return affiliate


def _moved(affiliate: Affiliate, wanted: AffiliateChangeRequest) -> Place | None:
    if wanted.zip is wanted.city is wanted.state is None:
        return None
    return place_of(wanted.zip or affiliate.zip).called(wanted.city, wanted.state)


async def take_over_rating(session: AsyncSession, rating: RatingChanged) -> None:
    affiliate = await get_affiliate(session, rating.affiliate_id, lock=True)
    if affiliate.rate(rating.rating_hundredths, rating.review_count, rating.version):
        record(session, AffiliateChanged.of(affiliate))


async def show_payout_state(session: AsyncSession, told: AccountChanged) -> None:
    """Shown to the affiliate's people and staff, told to nobody: so the affiliate's version stays, and what its owner
    is just changing is not refused for it. An older fact changes nothing."""
    older = (Affiliate.id == told.affiliate_id) & (Affiliate.payout_version < told.version)
    state = {"payout_status": told.status, "payouts_enabled": told.payouts_enabled, "payout_version": told.version}
    await session.execute(update(Affiliate).where(older).values(state | {"updated_at": Affiliate.updated_at}))
