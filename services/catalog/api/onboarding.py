"""The steps of an affiliate: applied for, decided upon, suspended, closed."""

from fastapi import Response

from shared.auth import CurrentActor, CurrentAdmin, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import onboarding as commands
from ..domain.affiliate import Affiliate
from ..domain.onboarding import Step
from ..queries.onboarding import steps_of
from ..schemas.affiliates import AffiliateView
from ..schemas.onboarding import ReasonRequest, StaffStepView, StepView

router = new_router("catalog", "onboarding", "/affiliates/{affiliate_id}")


@router.get("/steps", response_model=PageView[StaffStepView] | PageView[StepView])
async def steps(
    affiliate_id: PathId, actor: CurrentActor, session: ReadSession, page: CurrentPage
) -> PageView[StaffStepView] | PageView[StepView]:
    """What became of it, newest first, for its team and the staff; the staff also see who decided."""
    found = await steps_of(session, actor, affiliate_id, page)
    return (PageView[StaffStepView] if actor.is_staff else PageView[StepView]).model_validate(found)


@router.post("/review", response_model=AffiliateView, dependencies=[Idempotent])
async def review(
    affiliate_id: PathId, admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> Affiliate:
    """Somebody of the platform looks at the application now."""
    affiliate = await commands.decide(session, admin, affiliate_id, version, Step.REVIEW)
    tag(response, affiliate.version)
    return affiliate


@router.post("/request-changes", response_model=AffiliateView, dependencies=[Idempotent])
async def request_changes(
    affiliate_id: PathId,
    wanted: ReasonRequest,
    admin: CurrentAdmin,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Affiliate:
    """Say what is to be mended; its owner sends it again then."""
    affiliate = await commands.decide(session, admin, affiliate_id, version, Step.REQUEST_CHANGES, wanted.reason)
    tag(response, affiliate.version)
    return affiliate


@router.post("/approve", response_model=AffiliateView, dependencies=[Idempotent])
async def approve(
    affiliate_id: PathId, admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> Affiliate:
    """From now on customers find it and can book."""
    affiliate = await commands.decide(session, admin, affiliate_id, version, Step.APPROVE)
    tag(response, affiliate.version)
    return affiliate


@router.post("/reject", response_model=AffiliateView, dependencies=[Idempotent])
async def reject(
    affiliate_id: PathId,
    wanted: ReasonRequest,
    admin: CurrentAdmin,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Affiliate:
    """Turn an application down, and say why. Its owner may apply again."""
    affiliate = await commands.decide(session, admin, affiliate_id, version, Step.REJECT, wanted.reason)
    tag(response, affiliate.version)
    return affiliate


@router.post("/suspend", response_model=AffiliateView, dependencies=[Idempotent])
async def suspend(
    affiliate_id: PathId,
    wanted: ReasonRequest,
    admin: CurrentAdmin,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Affiliate:
    """Nobody finds or books it until it is reinstated. Appointments that stand are kept."""
    affiliate = await commands.decide(session, admin, affiliate_id, version, Step.SUSPEND, wanted.reason)
    tag(response, affiliate.version)
    return affiliate


@router.post("/reinstate", response_model=AffiliateView, dependencies=[Idempotent])
async def reinstate(
    affiliate_id: PathId, admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> Affiliate:
    """Customers find it and can book again."""
    affiliate = await commands.decide(session, admin, affiliate_id, version, Step.REINSTATE)
    tag(response, affiliate.version)
    return affiliate


@router.post("/resubmit", response_model=AffiliateView, dependencies=[Idempotent])
async def resubmit(
    affiliate_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> Affiliate:
    """Send a mended application again, by its owners and managers."""
    affiliate = await commands.resubmit(session, actor, affiliate_id, version)
    tag(response, affiliate.version)
    return affiliate


@router.post("/close", response_model=AffiliateView, dependencies=[InPerson, Idempotent])
async def close(
    affiliate_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> Affiliate:
    """Give the affiliate up, for good: by an owner, in person. Appointments that stand are kept."""
    affiliate = await commands.close(session, actor, affiliate_id, version)
    tag(response, affiliate.version)
    return affiliate
