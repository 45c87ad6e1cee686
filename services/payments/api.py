"""HTTP of payments."""

from typing import Annotated

from fastapi import Depends, Header, Request, Response

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.http import PathId, QueryId, tag
from shared.http import router as new_router
from shared.tasks import Outside

from . import queries
from .clients import Provider
from .commands import accounts, webhooks
from .domain.payout_account import PayoutAccount
from .schemas import (
    BalancesView,
    BalanceView,
    OnboardingLinkView,
    PaymentView,
    PayoutAccountView,
    WebhookView,
    view_of,
)
from .settings import Settings

router = new_router("payments", "payments")


def _provider(request: Request) -> Provider:
    return next(client for client in request.app.state.clients if isinstance(client, Provider))


def _outside(request: Request) -> Outside:
    return Outside(request.app.state.database, request.app.state.clients)


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


@router.get("/affiliates/{affiliate_id}/payout-account", response_model=PayoutAccountView)
async def payout_account(
    affiliate_id: PathId, actor: CurrentActor, session: ReadSession, response: Response
) -> PayoutAccount:
    """Whether an affiliate can be paid and what the provider still asks for; for its owner and managers, and staff."""
    found = await queries.account_for(session, actor, affiliate_id)
    tag(response, found.version)
    return found


@router.post(
    "/affiliates/{affiliate_id}/onboarding-links",
    response_model=OnboardingLinkView,
    status_code=201,
    dependencies=[InPerson],
)
async def make_onboarding_link(
    affiliate_id: PathId, actor: CurrentActor, outside: Annotated[Outside, Depends(_outside)], response: Response
) -> OnboardingLinkView:
    """Where the affiliate's owner tells the provider who they are and where the money goes. Each time another link."""
    response.headers["Cache-Control"] = "no-store"
    return OnboardingLinkView(url=await accounts.onboarding_url(outside, actor, affiliate_id))


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
