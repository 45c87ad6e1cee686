"""Cards at the provider: charged, held on, saved; a part of `Provider`."""

from contextlib import suppress
from typing import TYPE_CHECKING

from .domain.kept_card import Wallet
from .domain.life import IntentKind
from .domain.payment import Payment
from .domain.provider import Intent, KeySpoilt, PrintedCard, RefusedByProvider, SavedCard, Setup
from .lookups import Lookups
from .objects import REFERENCE, intent_of, setup_of
from .refusals import in_our_words

if TYPE_CHECKING:
    from stripe import RequestOptions
    from stripe.params import (
        PaymentIntentConfirmParams,
        PaymentIntentCreateParams,
        PaymentIntentUpdateParams,
        SetupIntentCreateParams,
    )

# Of a hold, until when it lives stands in the charge.
WHOLE_CHARGE = ["latest_charge"]


class Cards(Lookups):
    async def create_intent(
        self, payment: Payment, card: SavedCard | None = None, known_as: str | None = None
    ) -> Intent:
        """To be paid by a customer; with a `card`, of one whom the provider knows. Nobody can agree to have a card
        saved who is not there, so one that is saved already is not asked for again."""
        customer_id = card.customer_id if card else None
        if payment.saves_card and not card:
            customer_id = known_as or await self._new_customer(payment)
        params: PaymentIntentCreateParams = {
            "amount": payment.amount_cents,
            "currency": payment.currency.lower(),
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": _metadata(payment),
        }
        if customer_id:
            params["customer"] = customer_id
        if payment.saves_card and not card:
            params["setup_future_usage"] = "off_session"
        if payment.intent_kind is IntentKind.HOLD:
            params["capture_method"] = "manual"
        with in_our_words():
            made = await self._stripe.payment_intents.create_async(params, {"idempotency_key": payment.idempotency_key})
        return intent_of(made.to_dict())

    async def _new_customer(self, payment: Payment) -> str:
        """For this one card, and nameless. A second one that a new attempt leaves behind has no card and no use."""
        metadata = {REFERENCE: str(payment.reference)}
        key = f"{payment.idempotency_key}-customer"
        with in_our_words():
            return (await self._stripe.customers.create_async({"metadata": metadata}, {"idempotency_key": key})).id

    async def charge_card(self, payment: Payment, intent_id: str, card: SavedCard) -> Intent:
        """Without its holder: what the intent has come to, charged, held or declined."""
        params: PaymentIntentConfirmParams = {
            "payment_method": card.method_id,
            "off_session": True,
            "expand": WHOLE_CHARGE,
        }
        key = f"{payment.idempotency_key}-charge"
        try:
            with in_our_words():
                told = await self._stripe.payment_intents.confirm_async(intent_id, params, {"idempotency_key": key})
                return intent_of(told.to_dict())
        except (RefusedByProvider, KeySpoilt):
            return await self.get_intent(intent_id)

    async def get_intent(self, intent_id: str) -> Intent:
        with in_our_words():
            told = await self._stripe.payment_intents.retrieve_async(intent_id, {"expand": WHOLE_CHARGE})
            return intent_of(told.to_dict())

    async def cancel_intent(self, intent_id: str) -> Intent:
        """What it holds is let go. Needs no key of ours: an intent can be cancelled only once. One that no longer can
        be is told as it is."""
        try:
            with in_our_words():
                return intent_of((await self._stripe.payment_intents.cancel_async(intent_id)).to_dict())
        except RefusedByProvider:
            return await self.get_intent(intent_id)

    async def capture_intent(self, intent_id: str, cents: int) -> Intent:
        """So much of what is held; the rest is let go. As with cancelling: it can be done only once."""
        try:
            with in_our_words():
                told = await self._stripe.payment_intents.capture_async(intent_id, {"amount_to_capture": cents})
                return intent_of(told.to_dict())
        except RefusedByProvider:
            return await self.get_intent(intent_id)

    async def create_setup(self, payment: Payment, known_as: str | None = None) -> Setup:
        """A card is to be saved, with its holder's consent to be charged later."""
        params: SetupIntentCreateParams = {
            "customer": known_as or await self._new_customer(payment),
            "usage": "off_session",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": _metadata(payment),
        }
        key = f"{payment.idempotency_key}-setup"
        with in_our_words():
            return setup_of((await self._stripe.setup_intents.create_async(params, {"idempotency_key": key})).to_dict())

    async def get_setup(self, setup_id: str) -> Setup:
        with in_our_words():
            return setup_of((await self._stripe.setup_intents.retrieve_async(setup_id)).to_dict())

    async def cancel_setup(self, setup_id: str) -> Setup:
        try:
            with in_our_words():
                return setup_of((await self._stripe.setup_intents.cancel_async(setup_id)).to_dict())
        except RefusedByProvider:
            return await self.get_setup(setup_id)

    async def create_customer(self, wallet: Wallet) -> str:
        """Nameless, too: what we know of a customer the provider need not."""
        metadata = {REFERENCE: str(wallet.reference)}
        options: RequestOptions = {"idempotency_key": wallet.idempotency_key}
        with in_our_words():
            return (await self._stripe.customers.create_async({"metadata": metadata}, options)).id

    async def customer_of(self, payment: Payment) -> str | None:
        """Whom the provider knows as the one to agree to it; None where nobody in particular."""
        with in_our_words():
            if payment.intent_kind is IntentKind.SETUP:
                told = await self._stripe.setup_intents.retrieve_async(payment.stripe_setup_intent_id or "")
                return id_of(told.customer)
            intent = await self._stripe.payment_intents.retrieve_async(payment.stripe_payment_intent_id or "")
            return id_of(intent.customer)

    async def let_keep_card(self, payment: Payment, customer_id: str) -> bool:
        """Says whether the card that it is paid with will be that customer's."""
        if payment.saves_card:
            return await self.customer_of(payment) == customer_id
        params: PaymentIntentUpdateParams = {"customer": customer_id, "setup_future_usage": "off_session"}
        try:
            with in_our_words():
                await self._stripe.payment_intents.update_async(payment.stripe_payment_intent_id or "", params)
        except RefusedByProvider:
            return False
        return True

    async def pay_with(self, payment: Payment, card: SavedCard) -> Intent:
        """Its holder is there: what the intent has come to, or `RefusedByProvider` if it is not for this card."""
        intent_id = payment.stripe_payment_intent_id or ""
        if not payment.saves_card:
            with in_our_words():
                await self._stripe.payment_intents.update_async(intent_id, {"customer": card.customer_id})
        params: PaymentIntentConfirmParams = {"payment_method": card.method_id, "expand": WHOLE_CHARGE}
        try:
            with in_our_words():
                return intent_of((await self._stripe.payment_intents.confirm_async(intent_id, params)).to_dict())
        except RefusedByProvider:
            intent = await self.get_intent(intent_id)
            if not (intent.is_final or intent.is_held or intent.decline):
                raise
            return intent

    async def get_card(self, card: SavedCard) -> PrintedCard | None:
        """None for what the provider does not keep as its holder's, or is no card."""
        with in_our_words():
            told = await self._stripe.payment_methods.retrieve_async(card.method_id)
        if told.card is None or id_of(told.customer) != card.customer_id:
            return None
        return PrintedCard(told.card.brand, told.card.last4, told.card.exp_month, told.card.exp_year)

    async def detach_card(self, method_id: str) -> None:
        """It can be charged no more. Nothing is to be done about one that nobody has by now."""
        with suppress(RefusedByProvider), in_our_words():
            await self._stripe.payment_methods.detach_async(method_id)


def id_of(told: object) -> str | None:
    """Of what may be told whole or by its id."""
    return told if told is None or isinstance(told, str) else str(getattr(told, "id"))  # noqa: B009


def _metadata(payment: Payment) -> dict[str, str]:
    return {REFERENCE: str(payment.reference), "booking_id": str(payment.booking_id)}
