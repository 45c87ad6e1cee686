"""HTTP: what customers' banks take back, or ask about."""

from fastapi import Response

from shared.auth import CurrentActor
from shared.db import ReadSession
from shared.http import CurrentPage, Paged, PageView, PathId, tag
from shared.http import router as new_router

from ..domain.dispute import Dispute, DisputeStatus
from ..queries.disputes import dispute_for, disputes_for
from ..schemas.disputes import DisputeView

router = new_router("payments", "disputes", "/disputes")


@router.get("", response_model=PageView[DisputeView])
async def disputes(
    actor: CurrentActor,
    session: ReadSession,
    page: CurrentPage,
    status: DisputeStatus | None = None,
    waiting: bool = False,
) -> Paged[Dispute]:
    """Newest first: to staff all of them, to owners and managers those of their affiliates. `waiting`: only those that
    nobody has answered, by the day until which evidence is taken, the next one first."""
    return await disputes_for(session, actor, page, status, waiting=waiting)


@router.get("/{dispute_id}", response_model=DisputeView)
async def dispute(dispute_id: PathId, actor: CurrentActor, session: ReadSession, response: Response) -> Dispute:
    """To staff, and to the affiliate's owner and managers."""
    found = await dispute_for(session, actor, dispute_id)
    tag(response, found.version)
    return found
