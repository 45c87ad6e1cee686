"""What a customer does about a payment beside paying it: have the card kept, or pay with one that is."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.payments import CardSaved
from shared.outbox import record
from shared.tasks import Outside

from ..clients import Provider
from ..domain.kept_card import CardNotForThis, NoSuchCard, NotToBePaid, Wallet
from ..domain.life import IntentKind, Status
from ..domain.payment import NoSuchPayment, Payment
from ..domain.payout_account import ProviderSilent
from ..domain.provider import RefusedByProvider, SavedCard, Unanswered
from ..queries.kept_cards import card_for, find_wallet, keep_wallet
from ..queries.payments import get_payment, payment_for
from .asking import ask
from .kept_cards import note_card
from .settlement import settle_intent


async def have_card_kept(outside: Outside, actor: Actor, payment_id: int) -> Payment:
    """The card that it will be paid with, for the next booking. Asked again it changes nothing."""
    async with outside.begin() as session:
        payment = await _to_be_paid(session, actor, payment_id)
        wallet = await keep_wallet(session, payment.customer_id)
    try:
        customer_id = wallet.stripe_customer_id or await _have_made(outside, payment, wallet)
        is_ours = await outside.client(Provider).let_keep_card(payment, customer_id)
    except Unanswered as error:
        raise ProviderSilent from error
    if not is_ours:
        raise CardNotForThis
    async with outside.begin() as session:
        current = await get_payment(session, payment_id, lock=True)
        current.keeps_card = True
        if current.status is not Status.REQUIRES_PAYMENT:  # it was paid meanwhile
            note_card(session, current, current.saved_card)
    return current


async def _have_made(outside: Outside, payment: Payment, wallet: Wallet) -> str:
    """Where the provider knows its customer already, because the card is charged later, as that; else as a new one."""
    provider = outside.client(Provider)
    customer_id = await provider.customer_of(payment)
    if customer_id is None:
        customer_id = await ask(
            outside,
            wallet,
            call=lambda: provider.create_customer(wallet),
            find=lambda: provider.find_customer(wallet.reference, since=wallet.requested_at),
        )
    async with outside.begin() as session:
        kept = await keep_wallet(session, payment.customer_id)
        if kept.stripe_customer_id is None:
            kept.stripe_customer_id = customer_id
        return kept.stripe_customer_id or customer_id


async def pay_with_kept_card(outside: Outside, actor: Actor, payment_id: int, card_id: int) -> Payment:
    """Its holder is there, and may be asked by the bank: then their client goes on with the intent's secret. Confirmed
    twice it pays once; an answer that gets lost is told by webhook."""
    async with outside.begin() as session:
        payment = await _to_be_paid(session, actor, payment_id)
        kept = await card_for(session, actor, card_id)
        wallet = await find_wallet(session, payment.customer_id)
    if wallet is None:
        raise NoSuchCard
    card = kept.saved_for(wallet)
    if payment.intent_kind is IntentKind.SETUP:
        return await _save(outside, payment_id, card)
    try:
        intent = await outside.client(Provider).pay_with(payment, card)
    except Unanswered as error:
        raise ProviderSilent from error
    except RefusedByProvider as error:
        raise CardNotForThis from error
    async with outside.begin() as session:
        await settle_intent(session, intent)
        return await get_payment(session, payment_id)


async def _save(outside: Outside, payment_id: int, card: SavedCard) -> Payment:
    """It is saved already, and its holder agrees to have it charged when the visit is near."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id, lock=True)
        if not payment.save_card(card):
            raise NotToBePaid
        record(session, CardSaved.of(payment))
        return payment


async def _to_be_paid(session: AsyncSession, actor: Actor, payment_id: int) -> Payment:
    payment = await payment_for(session, actor, payment_id)
    if not payment.is_of(actor):
        raise NoSuchPayment
    if payment.status is not Status.REQUIRES_PAYMENT:
        raise NotToBePaid
    return payment
