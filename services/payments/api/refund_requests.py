"""HTTP: refunds by staff."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared.auth import CurrentAdmin, CurrentStaff
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, QueryId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import refund_requests as commands
from ..domain.refund_request import RefundRequest, RequestStatus
from ..queries.refund_requests import get_refund_request, refund_requests_of
from ..schemas.refund_requests import NewRefundRequest, RefundRequestView
from ..settings import Settings

router = new_router("payments", "refund requests")


def _alone_up_to(request: Request) -> int:
    settings: Settings = request.app.state.settings
    return settings.refund_alone_up_to_cents


@router.post(
    "/payments/{payment_id}/refund-requests",
    response_model=RefundRequestView,
    status_code=201,
    dependencies=[Idempotent],
)
async def ask_for_refund(
    payment_id: PathId,
    wanted: NewRefundRequest,
    admin: CurrentAdmin,
    session: Session,
    alone_up_to: Annotated[int, Depends(_alone_up_to)],
    response: Response,
) -> RefundRequest:
    """Send money back, all of it or a part. Up to the platform's limit per payment it is sent at once (`approved`);
    above it another administrator has to approve."""
    request = await commands.ask_for_refund(session, admin, payment_id, wanted, alone_up_to=alone_up_to)
    response.headers["Location"] = f"/payments/v1/refund-requests/{request.id}"
    tag(response, request.version)
    return request


@router.get("/refund-requests", response_model=PageView[RefundRequestView])
async def refund_requests(
    _staff: CurrentStaff,
    session: ReadSession,
    page: CurrentPage,
    status: RequestStatus | None = None,
    payment_id: QueryId | None = None,
) -> Paged[RefundRequest]:
    """Newest first."""
    return await refund_requests_of(session, page, status, payment_id)


@router.get("/refund-requests/{refund_request_id}", response_model=RefundRequestView)
async def refund_request(
    refund_request_id: PathId, _staff: CurrentStaff, session: ReadSession, response: Response
) -> RefundRequest:
    found = await get_refund_request(session, refund_request_id)
    tag(response, found.version)
    return found


@router.post(
    "/refund-requests/{refund_request_id}/approve", response_model=RefundRequestView, dependencies=[Idempotent]
)
async def approve(
    refund_request_id: PathId, admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> RefundRequest:
    """By another administrator than who asked: the money goes back now."""
    request = await commands.approve(session, admin, refund_request_id, version)
    tag(response, request.version)
    return request


@router.post(
    "/refund-requests/{refund_request_id}/decline", response_model=RefundRequestView, dependencies=[Idempotent]
)
async def decline(
    refund_request_id: PathId, admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> RefundRequest:
    """By another administrator than who asked: nothing goes back."""
    request = await commands.decline(session, admin, refund_request_id, version)
    tag(response, request.version)
    return request
