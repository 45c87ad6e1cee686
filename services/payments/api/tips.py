"""HTTP: tips."""

from fastapi import Response

from shared.auth import CurrentCustomer, InPerson
from shared.db import Session
from shared.http import PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import tips
from ..schemas.payments import PaymentView, view_of
from ..schemas.tips import TipRequest
from .payments import PublishableKey

router = new_router("payments", "payments")


@router.post(
    "/bookings/{booking_id}/tips",
    response_model=PaymentView,
    status_code=201,
    dependencies=[InPerson, Idempotent],
)
async def tip(
    booking_id: PathId,
    wanted: TipRequest,
    customer: CurrentCustomer,
    session: Session,
    key: PublishableKey,
    response: Response,
) -> PaymentView:
    """Give something on top, once the job is done: it is the affiliate's, whole. It is paid as any payment of the
    booking is, as soon as the provider is ready. Until then another tip replaces it."""
    payment = await tips.tip(session, customer, booking_id, wanted.amount_cents)
    response.headers["Location"] = f"/payments/v1/payments/{payment.id}"
    tag(response, payment.version)
    return view_of(payment, customer, key)
