"""HTTP: affiliates' accounts at the provider."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared.auth import CurrentActor, CurrentAdmin, CurrentStaff, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent
from shared.tasks import Outside

from ..commands import accounts
from ..domain.payout_account import PayoutAccount
from ..queries.accounts import account_for, held_accounts
from ..schemas.accounts import OnboardingLinkView, PayoutAccountView

router = new_router("payments", "payments")


def outside_of(request: Request) -> Outside:
    return Outside(request.app.state.database, request.app.state.clients)


@router.get("/affiliates/{affiliate_id}/payout-account", response_model=PayoutAccountView)
async def payout_account(
    affiliate_id: PathId, actor: CurrentActor, session: ReadSession, response: Response
) -> PayoutAccount:
    """Whether an affiliate can be paid and what the provider still asks for; for its owner and managers, and staff."""
    found = await account_for(session, actor, affiliate_id)
    tag(response, found.version)
    return found


@router.get("/payout-accounts/held", response_model=PageView[PayoutAccountView])
async def held_payout_accounts(_staff: CurrentStaff, session: ReadSession, page: CurrentPage) -> Paged[PayoutAccount]:
    """Of affiliates that were suspended: nothing is paid out to them until they are reinstated, or it is released."""
    return await held_accounts(session, page)


@router.post(
    "/affiliates/{affiliate_id}/payout-account/release", response_model=PayoutAccountView, dependencies=[Idempotent]
)
async def release_payouts(
    affiliate_id: PathId, _admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> PayoutAccount:
    """Pay out to an affiliate though it is suspended, or was when it closed; until it is suspended again."""
    account = await accounts.release_payouts(session, affiliate_id, version)
    tag(response, account.version)
    return account


@router.post(
    "/affiliates/{affiliate_id}/onboarding-links",
    response_model=OnboardingLinkView,
    status_code=201,
    dependencies=[InPerson],
)
async def make_onboarding_link(
    affiliate_id: PathId, actor: CurrentActor, outside: Annotated[Outside, Depends(outside_of)], response: Response
) -> OnboardingLinkView:
    """Where the affiliate's owner tells the provider who they are and where the money goes. Each time another link."""
    response.headers["Cache-Control"] = "no-store"
    return OnboardingLinkView(url=await accounts.onboarding_url(outside, actor, affiliate_id))
