"""An affiliate's services as a CSV file, to edit many at once."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.http import PathId
from shared.http import router as new_router
from shared.idempotency import Idempotent
from shared.sheets import NotCsv, written

from ..commands import bulk as commands
from ..queries.affiliates import affiliate_for
from ..queries.services import services_of
from ..schemas.bulk import COLUMNS, ImportView, cells_of

router = new_router("catalog", "services as a file", "/affiliates/{affiliate_id}/services")

CSV: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}


class CsvResponse(Response):
    media_type = "text/csv; charset=utf-8"


async def _csv(request: Request) -> bytes:
    """The body as it came, unread: `NotCsv` if it says that it is something else."""
    kind, _, more = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "text/csv" or more.replace('"', "").strip() not in ("", "charset=utf-8"):
        raise NotCsv
    return await request.body()


CsvBody = Annotated[bytes, Depends(_csv)]


@router.get("/export", response_class=CsvResponse, responses={200: {"content": CSV}})
async def export_services(affiliate_id: PathId, actor: CurrentActor, session: ReadSession) -> Response:
    """All services, a line for each tier, for the team and the staff. What is not in it, an import leaves as it is."""
    affiliate = await affiliate_for(session, actor, affiliate_id)
    affiliate.must_be_known_to(actor)
    services = await services_of(session, affiliate_id)
    rows = [cells_of(service, tier) for service in services for tier in service.current_tiers]
    headers = {"Content-Disposition": f'attachment; filename="services-{affiliate_id}.csv"'}
    return CsvResponse(written(COLUMNS, rows), headers=headers)


@router.post(
    "/import",
    response_model=ImportView,
    dependencies=[InPerson, Idempotent],
    openapi_extra={"requestBody": {"required": True, "content": CSV}},
)
async def import_services(
    affiliate_id: PathId,
    body: CsvBody,
    actor: CurrentActor,
    session: Session,
    dry_run: Annotated[bool, Query(description="only say what would become of it")] = False,
) -> ImportView:
    """Take such a file: all of it, or, with an error for each cell that cannot be, nothing. Lines with ids change what
    they name, lines without add; what the file does not mention stays."""
    return await commands.import_services(session, actor, affiliate_id, body, dry_run=dry_run)
