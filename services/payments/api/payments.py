"""HTTP: what was paid."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared.auth import CurrentActor
from shared.db import ReadSession
from shared.http import PathId, QueryId, tag
from shared.http import router as new_router

from ..queries import payments as queries
from ..schemas.payments import PaymentsView, PaymentView, view_of
from ..settings import Settings

router = new_router("payments", "payments")


def _publishable_key(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return settings.stripe_publishable_key


PublishableKey = Annotated[str, Depends(_publishable_key)]


@router.get("/payments", response_model=PaymentView)
async def payment_of_booking(
    booking_id: QueryId, actor: CurrentActor, session: ReadSession, key: PublishableKey, response: Response
) -> PaymentView:
    """The payment of a booking that is to be paid now, with what its customer needs for that; if none is, the latest.
    404 until the provider is ready for the first."""
    found = await queries.payment_of_booking(session, actor, booking_id)
    tag(response, found.version)
    return view_of(found, actor, key)


@router.get("/payments/{payment_id}", response_model=PaymentView)
async def payment(
    payment_id: PathId, actor: CurrentActor, session: ReadSession, key: PublishableKey, response: Response
) -> PaymentView:
    found = await queries.payment_for(session, actor, payment_id)
    tag(response, found.version)
    return view_of(found, actor, key)


@router.get("/bookings/{booking_id}/payments", response_model=PaymentsView)
async def payments_of_booking(
    booking_id: PathId, actor: CurrentActor, session: ReadSession, key: PublishableKey
) -> PaymentsView:
    """All payments of a booking, in the order in which they were asked for."""
    found = await queries.payments_of_booking(session, actor, booking_id)
    return PaymentsView(items=[view_of(payment, actor, key) for payment in found])
