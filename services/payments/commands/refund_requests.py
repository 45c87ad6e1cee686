"""Refunds by staff: at once up to a limit, above it when a second administrator agrees."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.payments import RefundApproved, RefundDeclined, RefundRequested, RefundRequestEvent
from shared.outbox import record

from ..domain.payment import Payment
from ..domain.refund_request import RefundRequest, RequestStatus
from ..queries.payments import get_payment
from ..queries.refund_requests import lock_refund_request, sent_back_alone
from ..schemas.refund_requests import NewRefundRequest
from .refunds import refund

BY_STAFF = "staff"


async def ask_for_refund(
    session: AsyncSession, actor: Actor, payment_id: int, wanted: NewRefundRequest, *, alone_up_to: int
) -> RefundRequest:
    """`alone_up_to` holds for all that goes back of a payment by one person's word, so that parts do not add up to
    more."""
    payment = await get_payment(session, payment_id, lock=True)
    payment.must_cover(wanted.amount_cents)
    alone = await sent_back_alone(session, payment_id) + wanted.amount_cents
    request = RefundRequest(
        payment_id=payment_id,
        amount_cents=wanted.amount_cents,
        reason=wanted.reason,
        two_persons=alone > alone_up_to,
        asked_by=actor.user_id or 0,
    )
    session.add(request)
    await session.flush()
    if request.two_persons:
        _tell(session, RefundRequested, request, payment)
    else:
        request.pass_alone()
        await _send_back(session, request, payment)
    return request


async def approve(session: AsyncSession, actor: Actor, refund_request_id: int, version: int | None) -> RefundRequest:
    request, payment = await lock_refund_request(session, refund_request_id)
    request.expect(version)
    request.decide(actor, RequestStatus.APPROVED)
    await _send_back(session, request, payment)
    return request


async def decline(session: AsyncSession, actor: Actor, refund_request_id: int, version: int | None) -> RefundRequest:
    request, payment = await lock_refund_request(session, refund_request_id)
    request.expect(version)
    request.decide(actor, RequestStatus.DECLINED)
    _tell(session, RefundDeclined, request, payment)
    return request


async def _send_back(session: AsyncSession, request: RefundRequest, payment: Payment) -> None:
    await refund(session, payment, request.amount_cents, reason=BY_STAFF, cause=request.cause)
    _tell(session, RefundApproved, request, payment)


def _tell(session: AsyncSession, fact: type[RefundRequestEvent], request: RefundRequest, payment: Payment) -> None:
    names = ("booking_id", "customer_id", "affiliate_id", "currency")
    record(session, fact.of(request, **{name: getattr(payment, name) for name in names}))
