"""HTTP: what affiliates are to be paid."""

from typing import Annotated

from fastapi import Depends, Request

from shared.auth import CurrentActor
from shared.db import ReadSession
from shared.http import PathId
from shared.http import router as new_router

from ..domain.earnings import PayoutTerms
from ..queries.balances import balances_for
from ..schemas.ledger import BalancesView, BalanceView
from ..settings import Settings

router = new_router("payments", "payments")


def _terms(request: Request) -> PayoutTerms:
    settings: Settings = request.app.state.settings
    return settings.payout_terms


@router.get("/affiliates/{affiliate_id}/balance", response_model=BalancesView)
async def balance(
    affiliate_id: PathId, actor: CurrentActor, session: ReadSession, terms: Annotated[PayoutTerms, Depends(_terms)]
) -> BalancesView:
    """What an affiliate is to be paid by now, by currency."""
    found = await balances_for(session, actor, affiliate_id, terms)
    return BalancesView(items=[BalanceView.model_validate(each) for each in found])
