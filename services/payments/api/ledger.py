"""HTTP: what affiliates are to be paid."""

from shared.auth import CurrentActor
from shared.db import ReadSession
from shared.http import PathId
from shared.http import router as new_router

from ..queries.ledger import balance_for
from ..schemas.ledger import BalancesView, BalanceView

router = new_router("payments", "payments")


@router.get("/affiliates/{affiliate_id}/balance", response_model=BalancesView)
async def balance(affiliate_id: PathId, actor: CurrentActor, session: ReadSession) -> BalancesView:
    """What an affiliate is to be paid by now, by currency."""
    found = await balance_for(session, actor, affiliate_id)
    return BalancesView(items=[BalanceView.model_validate(each) for each in found])
