"""HTTP: in what the provider's books and ours differ, and who sees to it."""

from typing import Annotated

from fastapi import Query, Response

from shared.auth import CurrentStaff
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import discrepancies as commands
from ..domain.comparison import Kind
from ..domain.discrepancy import Discrepancy, DiscrepancyStatus
from ..queries.discrepancies import discrepancies_of, get_discrepancy
from ..schemas.discrepancies import Assignment, Decision, DiscrepancyView

router = new_router("payments", "discrepancies", "/discrepancies")


@router.get("", response_model=PageView[DiscrepancyView])
async def discrepancies(
    _staff: CurrentStaff,
    session: ReadSession,
    page: CurrentPage,
    status: DiscrepancyStatus | None = None,
    kind: Kind | None = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
) -> Paged[Discrepancy]:
    """Newest first. `owner` is a user's id, or a name that was given on the command line."""
    return await discrepancies_of(session, page, status, kind, owner)


@router.get("/{discrepancy_id}", response_model=DiscrepancyView)
async def discrepancy(
    discrepancy_id: PathId, _staff: CurrentStaff, session: ReadSession, response: Response
) -> Discrepancy:
    found = await get_discrepancy(session, discrepancy_id)
    tag(response, found.version)
    return found


@router.post("/{discrepancy_id}/assign", response_model=DiscrepancyView, dependencies=[Idempotent])
async def assign(
    discrepancy_id: PathId,
    wanted: Assignment,
    staff: CurrentStaff,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Discrepancy:
    """Take it, or give it to somebody else; whoever has it already loses it."""
    owner = wanted.user_id or staff.user_id
    found = await commands.assign(session, discrepancy_id, str(owner), version)
    tag(response, found.version)
    return found


@router.post("/{discrepancy_id}/explain", response_model=DiscrepancyView, dependencies=[Idempotent])
async def explain(
    discrepancy_id: PathId,
    decision: Decision,
    staff: CurrentStaff,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Discrepancy:
    """It is there, and for this reason that is right: it stays until it is gone by itself."""
    found = await commands.explain(session, discrepancy_id, str(staff.user_id), decision.reason, version)
    tag(response, found.version)
    return found


@router.post("/{discrepancy_id}/resolve", response_model=DiscrepancyView, dependencies=[Idempotent])
async def resolve(
    discrepancy_id: PathId,
    decision: Decision,
    staff: CurrentStaff,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Discrepancy:
    """It is over, for this reason; found again, it is open again."""
    found = await commands.resolve(session, discrepancy_id, str(staff.user_id), decision.reason, version)
    tag(response, found.version)
    return found
