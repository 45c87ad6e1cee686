"""What the platform holds of somebody: to be had, and to be forgotten."""

from datetime import timedelta
from typing import Any

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.errors import Forbidden
from shared.http import router as new_router

from ..commands import erasures, exports
from ..domain.export import Export, ExportStatus
from ..queries.erasures import get_erasure, receipts_of
from ..queries.exports import get_ready_export, own_ready_export, parts_of
from ..schemas.personal import (
    AS_FILE,
    ArchiveView,
    ErasureRequest,
    ErasureView,
    ExportView,
    LinkRequest,
    StartedErasureView,
)
from .request import CurrentLimits, Verifying

router = new_router("identity", "personal data")


class NotByKey(Forbidden):
    """An API key cannot do this: sign in."""


async def _without_key(actor: CurrentActor) -> None:
    if actor.api_key is not None:
        raise NotByKey


ONESELF = [InPerson, Depends(_without_key)]
GATHERING: dict[int | str, dict[str, Any]] = {202: {"model": ExportView, "description": "Being gathered"}}


@router.post("/me/exports", response_model=ExportView, responses=GATHERING, dependencies=ONESELF)
async def start_export(actor: CurrentActor, limits: CurrentLimits, session: Session, response: Response) -> ExportView:
    """Have everything gathered that is held of you. 202 until it is there; the one under way, if there is one."""
    return await _current(actor, limits, session, response)


@router.get("/me/export", response_model=ExportView, responses=GATHERING, dependencies=ONESELF)
async def export(actor: CurrentActor, limits: CurrentLimits, session: Session, response: Response) -> ExportView:
    """How the export stands; starts one if there is none. It can be fetched for a day once it is ready."""
    return await _current(actor, limits, session, response)


async def _current(actor: CurrentActor, limits: CurrentLimits, session: Session, response: Response) -> ExportView:
    export, missing = await exports.current_export(session, limits, actor)
    response.status_code = 202 if export.status is ExportStatus.GATHERING else 200
    return ExportView.of(export, missing)


@router.get("/me/export/archive", response_model=ArchiveView, dependencies=ONESELF)
async def own_archive(actor: CurrentActor, session: ReadSession, response: Response) -> ArchiveView:
    """The archive of a ready export, as a file."""
    return await _archive(session, await own_ready_export(session, actor.user_id), response)


@router.post("/exports/fetch", response_model=ArchiveView)
async def fetch_export(wanted: LinkRequest, session: ReadSession, response: Response) -> ArchiveView:
    """The archive, for whoever has the link of the mail: nothing else, as no session comes along with a link."""
    return await _archive(session, await get_ready_export(session, wanted.token), response)


async def _archive(session: AsyncSession, export: Export, response: Response) -> ArchiveView:
    response.headers.update(AS_FILE)
    return ArchiveView.of(export, await parts_of(session, export.id))


@router.post("/me/erasure", response_model=StartedErasureView, status_code=202, dependencies=ONESELF)
async def request_erasure(
    wanted: ErasureRequest,
    actor: CurrentActor,
    verifier: Verifying,
    session: Session,
    request: Request,
) -> StartedErasureView:
    """Close the account at once and for good, and have every service forget who you are. This cannot be undone."""
    delay = timedelta(seconds=request.app.state.settings.erasure_delay_seconds)
    erasure, secret = await erasures.request_erasure(session, verifier, actor, wanted.password, delay)
    return StartedErasureView(secret=secret, due_at=erasure.due_at)


@router.post("/erasures/look-up", response_model=ErasureView)
async def erasure(wanted: LinkRequest, session: ReadSession) -> ErasureView:
    """How an erasure stands, with a receipt of each service; for whoever has its secret, for there is no account."""
    found = await get_erasure(session, wanted.token)
    return ErasureView.of(found, await receipts_of(session, found.id))
