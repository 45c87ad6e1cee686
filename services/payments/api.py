"""HTTP of payments."""

from typing import Annotated

from fastapi import Depends, Header, Request, Response

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import PathId, QueryId, tag
from shared.http import router as new_router

from . import queries
from .clients import Provider
from .commands import webhooks
from .schemas import BalancesView, BalanceView, PaymentView, WebhookView, view_of
from .settings import Settings

router = new_router("payments", "payments")


def _provider(request: Request) -> Provider:
    return next(client for client in request.app.state.clients if isinstance(client, Provider))


def _publishable_key(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return settings.stripe_publishable_key


PublishableKey = Annotated[str, Depends(_publishable_key)]


@router.get("/payments", response_model=PaymentView)
async def payment_of_booking(
    booking_id: QueryId, actor: CurrentActor, session: ReadSession, key: PublishableKey, response: Response
) -> PaymentView:
    """The payment of a booking, with what its customer needs to pay; 404 until the provider is ready for it."""
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


@router.get("/affiliates/{affiliate_id}/balance", response_model=BalancesView)
async def balance(affiliate_id: PathId, actor: CurrentActor, session: ReadSession) -> BalancesView:
    """What an affiliate is to be paid by now, by currency."""
    found = await queries.balance_for(session, actor, affiliate_id)
    return BalancesView(items=[BalanceView.model_validate(each) for each in found])


@router.post("/webhooks/stripe", response_model=WebhookView)
async def receive_webhook(
    request: Request,
    provider: Annotated[Provider, Depends(_provider)],
    session: Session,
    stripe_signature: Annotated[str, Header(max_length=2000)] = "",
) -> WebhookView:
    """For the payment provider only. Verified, stored, answered; what it means is worked out afterwards."""
    event = provider.verified(await request.body(), stripe_signature)
    await webhooks.receive(session, event)
    return WebhookView()
