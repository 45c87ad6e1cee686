"""HTTP: what affiliates were paid."""

from fastapi import Response

from shared.auth import CurrentActor, CurrentStaff
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import payouts as commands
from ..domain.payout import Payout, PayoutStatus
from ..queries.balances import must_see_books
from ..queries.payouts import payout_for, payouts_of
from ..schemas.payouts import PayoutView, WholePayoutView

router = new_router("payments", "payouts")


@router.get("/affiliates/{affiliate_id}/payouts", response_model=PageView[PayoutView])
async def payouts_of_affiliate(
    affiliate_id: PathId,
    actor: CurrentActor,
    session: ReadSession,
    page: CurrentPage,
    status: PayoutStatus | None = None,
) -> Paged[Payout]:
    """Newest first; for its owner and managers, and staff."""
    must_see_books(actor, affiliate_id)
    return await payouts_of(session, page, status, affiliate_id)


@router.get("/payouts", response_model=PageView[PayoutView])
async def payouts(
    _staff: CurrentStaff, session: ReadSession, page: CurrentPage, status: PayoutStatus | None = None
) -> Paged[Payout]:
    """Everybody's, newest first: `refused` are those that wait for a person."""
    return await payouts_of(session, page, status)


@router.get("/payouts/{payout_id}", response_model=WholePayoutView)
async def payout(payout_id: PathId, actor: CurrentActor, session: ReadSession, response: Response) -> Payout:
    """With what it is made of."""
    found = await payout_for(session, actor, payout_id)
    tag(response, found.version)
    return found


@router.post("/payouts/{payout_id}/retry", response_model=PayoutView, dependencies=[Idempotent])
async def retry(
    payout_id: PathId, _staff: CurrentStaff, session: Session, version: IfMatch, response: Response
) -> Payout:
    """Send one that the provider refused once more, to the account as it is now."""
    payout = await commands.retry(session, payout_id, version)
    tag(response, payout.version)
    return payout
