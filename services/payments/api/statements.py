"""HTTP: what happened to affiliates' money, month by month."""

import asyncio
from typing import Annotated, Any

from fastapi import Path, Response

from shared.auth import CurrentActor
from shared.db import ReadSession
from shared.http import PathId
from shared.http import router as new_router
from shared.sheets import written

from ..queries.statements import months_of, statement_for
from ..schemas.statements import CSV_COLUMNS, MonthsView, StatementView, paper_of, rows_of

router = new_router("payments", "statements", "/affiliates/{affiliate_id}/statements")

MonthName = Annotated[
    str, Path(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="as 2026-11", examples=["2026-11"])
]
CSV: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}
PDF: dict[str, Any] = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}


class CsvResponse(Response):
    media_type = "text/csv; charset=utf-8"


class PdfResponse(Response):
    media_type = "application/pdf"


@router.get("", response_model=MonthsView)
async def statements(affiliate_id: PathId, actor: CurrentActor, session: ReadSession) -> MonthsView:
    """For the affiliate's owner and managers, and staff."""
    return MonthsView.of(await months_of(session, actor, affiliate_id))


@router.get("/{month}", response_model=StatementView)
async def statement(affiliate_id: PathId, month: MonthName, actor: CurrentActor, session: ReadSession) -> StatementView:
    """Every line of the books that is about an affiliate's money."""
    return StatementView.of(await statement_for(session, actor, affiliate_id, month))


@router.get("/{month}/csv", response_class=CsvResponse, responses={200: {"content": CSV}})
async def statement_as_csv(
    affiliate_id: PathId, month: MonthName, actor: CurrentActor, session: ReadSession
) -> Response:
    """The same for spreadsheets."""
    found = await statement_for(session, actor, affiliate_id, month)
    return CsvResponse(written(CSV_COLUMNS, list(rows_of(found))), headers=_file(affiliate_id, month, "csv"))


@router.get("/{month}/pdf", response_class=PdfResponse, responses={200: {"content": PDF}})
async def statement_as_pdf(
    affiliate_id: PathId, month: MonthName, actor: CurrentActor, session: ReadSession
) -> Response:
    """The same to be kept or printed."""
    paper = paper_of(await statement_for(session, actor, affiliate_id, month))
    return PdfResponse(await asyncio.to_thread(paper.as_pdf), headers=_file(affiliate_id, month, "pdf"))


def _file(affiliate_id: int, month: str, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="statement-{affiliate_id}-{month}.{kind}"'}
