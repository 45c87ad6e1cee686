"""HTTP: receipts, invoices and credit notes."""

import asyncio
from typing import Any

from fastapi import Response

from shared.auth import CurrentActor
from shared.db import ReadSession
from shared.http import CurrentPage, Paged, PageView, PathId, QueryId
from shared.http import router as new_router
from shared.paper_pdf import pdf_of
from shared.papers import PaperKind

from ..domain.invoice import Invoice
from ..queries.invoices import invoice_for, invoices_for
from ..schemas.invoices import InvoiceView

router = new_router("payments", "invoices", "/invoices")

PDF: dict[str, Any] = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}


class PdfResponse(Response):
    media_type = "application/pdf"


@router.get("", response_model=PageView[InvoiceView])
async def invoices(
    actor: CurrentActor,
    session: ReadSession,
    page: CurrentPage,
    booking_id: QueryId | None = None,
    kind: PaperKind | None = None,
) -> Paged[Invoice]:
    """Newest first: to customers theirs, to owners and managers those of their affiliates, to staff all of them."""
    return await invoices_for(session, actor, page, booking_id, kind)


@router.get("/{invoice_id}", response_model=InvoiceView)
async def invoice(invoice_id: PathId, actor: CurrentActor, session: ReadSession) -> Invoice:
    """To its customer, the affiliate's owner and managers, and staff."""
    return await invoice_for(session, actor, invoice_id)


@router.get("/{invoice_id}/pdf", response_class=PdfResponse, responses={200: {"content": PDF}})
async def invoice_pdf(invoice_id: PathId, actor: CurrentActor, session: ReadSession) -> Response:
    """The same as a file, each time to the byte."""
    found = await invoice_for(session, actor, invoice_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.number}.pdf"'}
    return PdfResponse(await asyncio.to_thread(pdf_of, found.whole), headers=headers)
