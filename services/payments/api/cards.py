"""HTTP: cards that customers keep."""

from typing import Annotated

from fastapi import Depends, Response

from shared.auth import CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import PathId, tag
from shared.http import router as new_router
from shared.tasks import Outside

from ..commands import kept_cards, paying
from ..queries.kept_cards import cards_of
from ..schemas.cards import CardChoice, KeptCardsView, KeptCardView
from ..schemas.payments import PaymentView, view_of
from .accounts import outside_of
from .payments import PublishableKey

router = new_router("payments", "payments")
Outward = Annotated[Outside, Depends(outside_of)]


@router.get("/cards", response_model=KeptCardsView)
async def kept_cards_of_customer(customer: CurrentCustomer, session: ReadSession) -> KeptCardsView:
    """The cards that you keep for your next bookings, newest first."""
    cards = await cards_of(session, customer.customer_id or 0)
    return KeptCardsView(items=[KeptCardView.model_validate(card) for card in cards])


@router.delete("/cards/{card_id}", status_code=204, dependencies=[InPerson])
async def forget_card(card_id: PathId, customer: CurrentCustomer, session: Session) -> None:
    """Keep it no more; not while an appointment is to be paid with it."""
    await kept_cards.forget_card(session, customer, card_id)


@router.put("/payments/{payment_id}/kept-card", response_model=PaymentView, dependencies=[InPerson])
async def have_card_kept(
    payment_id: PathId, customer: CurrentCustomer, outside: Outward, key: PublishableKey, response: Response
) -> PaymentView:
    """Before you pay: have the card kept that you pay with, for your next booking."""
    payment = await paying.have_card_kept(outside, customer, payment_id)
    tag(response, payment.version)
    return view_of(payment, customer, key)


@router.put("/payments/{payment_id}/card", response_model=PaymentView, dependencies=[InPerson])
async def pay_with_kept_card(
    payment_id: PathId,
    chosen: CardChoice,
    customer: CurrentCustomer,
    outside: Outward,
    key: PublishableKey,
    response: Response,
) -> PaymentView:
    """Pay with a card that you keep, or authorise it. If your bank wants to ask you, the payment stays to be paid, and
    your client goes on with its `client_secret`; if it declines, `decline_reason` says why."""
    payment = await paying.pay_with_kept_card(outside, customer, payment_id, chosen.card_id)
    tag(response, payment.version)
    return view_of(payment, customer, key)
