"""Applying, changing an affiliate, reading one."""

from fastapi import Response

from shared.auth import CurrentActor, CurrentAdmin, Visitor
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import affiliates as commands
from ..domain.affiliate import Affiliate
from ..domain.onboarding import ApplicationStatus
from ..queries.affiliates import affiliate_for, applications_of
from ..schemas.affiliates import (
    AffiliateChangeRequest,
    AffiliateRequest,
    AffiliateTierRequest,
    AffiliateView,
    ProfileView,
)

router = new_router("catalog", "affiliates", "/affiliates")


@router.post("", response_model=AffiliateView, status_code=201, dependencies=[Idempotent])
async def apply(wanted: AffiliateRequest, actor: CurrentActor, session: Session, response: Response) -> Affiliate:
    """Apply to become an affiliate. Whoever is signed in becomes its owner; the platform decides."""
    affiliate = await commands.apply(session, actor, wanted)
    response.headers["Location"] = f"/catalog/v1/affiliates/{affiliate.id}"
    tag(response, affiliate.version)
    return affiliate


@router.get("/applications", response_model=PageView[AffiliateView])
async def applications(
    actor: CurrentActor, session: ReadSession, page: CurrentPage, status: ApplicationStatus | None = None
) -> Paged[Affiliate]:
    """One's own affiliates, whatever became of them, newest first; staff see everybody's."""
    return await applications_of(session, actor, page, status)


@router.get("/{affiliate_id}", response_model=AffiliateView | ProfileView)
async def affiliate(
    affiliate_id: PathId, visitor: Visitor, session: ReadSession, response: Response
) -> AffiliateView | ProfileView:
    """Approved affiliates are public. Their own people and the staff see them always, and more of them."""
    found = await affiliate_for(session, visitor, affiliate_id)
    tag(response, found.version)
    response.headers["Vary"] = "Authorization"
    return (AffiliateView if found.is_known_to(visitor) else ProfileView).model_validate(found)


@router.patch("/{affiliate_id}", response_model=AffiliateView)
async def change_affiliate(
    affiliate_id: PathId,
    wanted: AffiliateChangeRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Affiliate:
    """By the affiliate's owner and managers. A new zip code moves it, its time zone included."""
    changed = await commands.change_affiliate(session, actor, affiliate_id, version, wanted)
    tag(response, changed.version)
    return changed


@router.put("/{affiliate_id}/tier", response_model=AffiliateView)
async def count_among(
    affiliate_id: PathId,
    wanted: AffiliateTierRequest,
    _admin: CurrentAdmin,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Affiliate:
    """What the platform counts an affiliate among; bookings made keep their commission."""
    affiliate = await commands.count_among(session, affiliate_id, version, wanted.affiliate_tier)
    tag(response, affiliate.version)
    return affiliate
