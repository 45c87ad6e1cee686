"""How an affiliate comes to be, stands and ends, step by step."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.catalog import (
    AffiliateApproved,
    AffiliateChangesRequested,
    AffiliateClosed,
    AffiliateEvent,
    AffiliateInReview,
    AffiliateReinstated,
    AffiliateRejected,
    AffiliateResubmitted,
    AffiliateSuspended,
)
from shared.outbox import record

from ..domain.affiliate import Affiliate
from ..domain.onboarding import AffiliateStep, ApplicationStatus, Party, Step
from ..domain.owner import NoOwnerCanAct, PersonState, best_state
from ..queries.affiliates import affiliate_for, get_affiliate
from ..queries.onboarding import lock_undecided_of
from ..queries.owners import owners_of, states_of

APPLICANT_GONE = "Whoever applied has no account any more."

TOLD: dict[Step, type[AffiliateEvent]] = {
    Step.REVIEW: AffiliateInReview,
    Step.REQUEST_CHANGES: AffiliateChangesRequested,
    Step.RESUBMIT: AffiliateResubmitted,
    Step.APPROVE: AffiliateApproved,
    Step.REJECT: AffiliateRejected,
    Step.SUSPEND: AffiliateSuspended,
    Step.REINSTATE: AffiliateReinstated,
    Step.CLOSE: AffiliateClosed,
}


async def decide(
    session: AsyncSession, admin: Actor, affiliate_id: int, version: int | None, step: Step, reason: str | None = None
) -> Affiliate:
    """A step of the platform's administrators."""
    affiliate = await get_affiliate(session, affiliate_id, lock=True)
    affiliate.expect(version)
    if step in (Step.APPROVE, Step.REINSTATE):
        owners = await owners_of(session, affiliate)
        if best_state(owners, await states_of(session, owners)) is not PersonState.ACTIVE:
            raise NoOwnerCanAct
    take(session, affiliate, step, Party.ADMIN, admin.user_id, reason)
    return affiliate


async def resubmit(session: AsyncSession, actor: Actor, affiliate_id: int, version: int | None) -> Affiliate:
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    affiliate.expect(version)
    take(session, affiliate, Step.RESUBMIT, Party.LEADERS, actor.user_id)
    return affiliate


async def close(session: AsyncSession, actor: Actor, affiliate_id: int, version: int | None) -> Affiliate:
    """For good. Appointments that stand are kept; what it offered stays on record."""
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_owned_by(actor)
    affiliate.expect(version)
    take(session, affiliate, Step.CLOSE, Party.OWNER, actor.user_id)
    return affiliate


async def reject_for_want_of_applicant(session: AsyncSession, user_id: int) -> None:
    """Nobody is left who could be asked about it; who else is in the team applies anew."""
    for affiliate in await lock_undecided_of(session, user_id):
        take(session, affiliate, Step.REJECT, Party.PLATFORM, reason=APPLICANT_GONE)
    await session.flush()


def take(
    session: AsyncSession, affiliate: Affiliate, step: Step, by: Party, user_id: int | None = None,
    reason: str | None = None,
) -> None:  # fmt: skip
    """The step, its place in the history, and what is told of it."""
    before = affiliate.application_status
    affiliate.take(step, by, now(), reason)
    note(session, affiliate, before, user_id, reason)
    record(session, TOLD[step].of(affiliate, reason=reason))


def note(
    session: AsyncSession, affiliate: Affiliate, before: ApplicationStatus | None, user_id: int | None,
    reason: str | None = None,
) -> None:  # fmt: skip
    session.add(
        AffiliateStep(
            affiliate_id=affiliate.id,
            from_status=before,
            to_status=affiliate.application_status,
            changed_by=user_id,
            reason=reason,
        )
    )
