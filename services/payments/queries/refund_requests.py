"""Refunds that staff have asked for."""

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http import Page, Paged

from ..domain.payment import Payment
from ..domain.refund_request import NoSuchRefundRequest, RefundRequest, RequestStatus
from .payments import get_payment


async def get_refund_request(session: AsyncSession, refund_request_id: int) -> RefundRequest:
    request = await session.get(RefundRequest, refund_request_id)
    if request is None:
        raise NoSuchRefundRequest
    return request


async def lock_refund_request(session: AsyncSession, refund_request_id: int) -> tuple[RefundRequest, Payment]:
    """With its payment, which is locked first; read after that, so that both are as they are now."""
    of = select(RefundRequest.payment_id).where(RefundRequest.id == refund_request_id)
    payment_id = await session.scalar(of)
    if payment_id is None:
        raise NoSuchRefundRequest
    payment = await get_payment(session, payment_id, lock=True)
    return await get_refund_request(session, refund_request_id), payment


async def sent_back_alone(session: AsyncSession, payment_id: int) -> int:
    """What of a payment went back by the word of one person each."""
    total = cast(func.coalesce(func.sum(RefundRequest.amount_cents), 0), BigInteger)
    alone = select(total).where(RefundRequest.payment_id == payment_id, ~RefundRequest.two_persons)
    return await session.scalar(alone) or 0


async def refund_requests_of(
    session: AsyncSession, page: Page, status: RequestStatus | None, payment_id: int | None
) -> Paged[RefundRequest]:
    statement = select(RefundRequest)
    if status is not None:
        statement = statement.where(RefundRequest.status == status)
    if payment_id is not None:
        statement = statement.where(RefundRequest.payment_id == payment_id)
    return await page.of(session, statement, RefundRequest.created_at, RefundRequest.id, descending=True)
