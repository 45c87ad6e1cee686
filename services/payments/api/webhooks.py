"""HTTP: what the provider tells."""

from typing import Annotated

from fastapi import Depends, Header, Request

from shared.db import Session
from shared.http import router as new_router

from ..clients import Provider
from ..commands import webhooks
from ..schemas.webhooks import WebhookView

router = new_router("payments", "payments")


def _provider(request: Request) -> Provider:
    return next(client for client in request.app.state.clients if isinstance(client, Provider))


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
