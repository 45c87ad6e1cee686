"""The payment provider: Stripe, or whatever speaks its language. The only module that knows the library.

One call is one request: 10 s at most, no retries of the library's own (the tasks retry, under the same key).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import stripe

from shared.clock import now
from shared.errors import BadRequest
from shared.strict_json import MalformedBody, strict_json

from .domain.payment import Payment
from .domain.payout import Payout
from .domain.payout_account import PayoutAccount
from .domain.provider import (
    Intent,
    KeySpoilt,
    ProviderAccount,
    ProviderDispute,
    ProviderEvent,
    ProviderRefund,
    ProviderTransfer,
    RefusedByProvider,
    SavedCard,
    Unanswered,
)
from .domain.refund import Refund
from .objects import REFERENCE, account_of, dispute_of, intent_of, refund_of, transfer_of
from .settings import Settings

if TYPE_CHECKING:
    from stripe.params import (
        AccountCreateParams,
        AccountLinkCreateParams,
        AccountListParams,
        DisputeListParams,
        PaymentIntentConfirmParams,
        PaymentIntentCreateParams,
        PaymentIntentListParams,
        TransferCreateParams,
    )

TIMEOUT = 10  # seconds
TOLERANCE = 300  # seconds that a webhook's time may lie in the past or the future
PAGE = 100
COUNTRY = "US"  # where affiliates are; shared/places.py knows no other


class BadSignature(BadRequest):
    """This was not signed with a secret of ours within the last five minutes, or not as it stands here."""


class Provider:
    """What we need of a payment provider. Every call raises `Unanswered`, or `RefusedByProvider`, or `KeySpoilt`."""

    def __init__(self, settings: Settings) -> None:
        self._secrets = settings.webhook_secrets
        self._onboarding_return_url = settings.onboarding_return_url or settings.public_url
        self._onboarding_refresh_url = settings.onboarding_refresh_url or settings.public_url
        self._http = stripe.HTTPXClient(timeout=TIMEOUT)
        self._stripe = stripe.StripeClient(
            settings.stripe_api_key.get_secret_value(),
            base_addresses={"api": settings.stripe_api_base} if settings.stripe_api_base else {},
            http_client=self._http,
            max_network_retries=0,
        ).v1

    async def aclose(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_intent(self, payment: Payment, card: SavedCard | None = None) -> Intent:
        """To be paid by a customer; with a `card`, of one whom the provider knows."""
        customer_id = card.customer_id if card else await self._new_customer(payment) if payment.saves_card else None
        params: PaymentIntentCreateParams = {
            "amount": payment.amount_cents,
            "currency": payment.currency.lower(),
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {REFERENCE: str(payment.reference), "booking_id": str(payment.booking_id)},
        }
        if customer_id:
            params["customer"] = customer_id
        if payment.saves_card:
            params["setup_future_usage"] = "off_session"
        with _in_our_words():
            made = await self._stripe.payment_intents.create_async(params, {"idempotency_key": payment.idempotency_key})
        return intent_of(made.to_dict())

    async def _new_customer(self, payment: Payment) -> str:
        """For this one card, and nameless. A second one that a new attempt leaves behind has no card and no use."""
        metadata = {REFERENCE: str(payment.reference)}
        key = f"{payment.idempotency_key}-customer"
        with _in_our_words():
            return (await self._stripe.customers.create_async({"metadata": metadata}, {"idempotency_key": key})).id

    async def charge_card(self, payment: Payment, intent_id: str, card: SavedCard) -> Intent:
        """Without its holder: what the intent has come to, charged or declined."""
        params: PaymentIntentConfirmParams = {"payment_method": card.method_id, "off_session": True}
        key = f"{payment.idempotency_key}-charge"
        try:
            with _in_our_words():
                told = await self._stripe.payment_intents.confirm_async(intent_id, params, {"idempotency_key": key})
                return intent_of(told.to_dict())
        except (RefusedByProvider, KeySpoilt):
            return await self.get_intent(intent_id)

    async def get_intent(self, intent_id: str) -> Intent:
        with _in_our_words():
            return intent_of((await self._stripe.payment_intents.retrieve_async(intent_id)).to_dict())

    async def find_intent(self, reference: UUID, *, since: datetime) -> Intent | None:
        """By its metadata. A list, because the provider's search may not show for a minute what was just made."""
        params: PaymentIntentListParams = {"created": {"gte": int(since.timestamp()) - TOLERANCE}, "limit": PAGE}
        with _in_our_words():
            page = await self._stripe.payment_intents.list_async(params)
            async for listed in page.auto_paging_iter():
                if (intent := intent_of(listed.to_dict())).reference == reference:
                    return intent
        return None

    async def cancel_intent(self, intent_id: str) -> Intent:
        """Needs no key of ours: an intent can be cancelled only once. One that no longer can be is told as it is."""
        try:
            with _in_our_words():
                return intent_of((await self._stripe.payment_intents.cancel_async(intent_id)).to_dict())
        except RefusedByProvider:
            return await self.get_intent(intent_id)

    async def refund(self, refund: Refund, intent_id: str) -> ProviderRefund:
        with _in_our_words():
            made = await self._stripe.refunds.create_async(
                {
                    "payment_intent": intent_id,
                    "amount": refund.amount_cents,
                    "metadata": {REFERENCE: str(refund.reference)},
                },
                {"idempotency_key": refund.idempotency_key},
            )
        return refund_of(made.to_dict())

    async def refunds_of(self, intent_id: str) -> list[ProviderRefund]:
        with _in_our_words():
            page = await self._stripe.refunds.list_async({"payment_intent": intent_id, "limit": PAGE})
            return [refund_of(listed.to_dict()) async for listed in page.auto_paging_iter()]

    async def get_dispute(self, dispute_id: str) -> ProviderDispute:
        with _in_our_words():
            return dispute_of((await self._stripe.disputes.retrieve_async(dispute_id)).to_dict())

    async def disputes_since(self, since: datetime) -> list[ProviderDispute]:
        params: DisputeListParams = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        with _in_our_words():
            page = await self._stripe.disputes.list_async(params)
            return [dispute_of(listed.to_dict()) async for listed in page.auto_paging_iter()]

    async def create_account(self, account: PayoutAccount) -> ProviderAccount:
        """Express: the provider asks its owner all that it must know, on pages of its own."""
        params: AccountCreateParams = {
            "type": "express",
            "country": COUNTRY,
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {REFERENCE: str(account.reference), "affiliate_id": str(account.affiliate_id)},
        }
        with _in_our_words():
            made = await self._stripe.accounts.create_async(params, {"idempotency_key": account.idempotency_key})
        return account_of(made.to_dict())

    async def get_account(self, account_id: str) -> ProviderAccount:
        with _in_our_words():
            return account_of((await self._stripe.accounts.retrieve_async(account_id)).to_dict())

    async def find_account(self, reference: UUID, *, since: datetime) -> ProviderAccount | None:
        params: AccountListParams = {"created": {"gte": int(since.timestamp()) - TOLERANCE}, "limit": PAGE}
        with _in_our_words():
            page = await self._stripe.accounts.list_async(params)
            async for listed in page.auto_paging_iter():
                if (account := account_of(listed.to_dict())).reference == reference:
                    return account
        return None

    async def onboarding_url(self, account_id: str) -> str:
        """Where the account's owner goes on; good once and for some minutes."""
        params: AccountLinkCreateParams = {
            "account": account_id,
            "type": "account_onboarding",
            "return_url": self._onboarding_return_url,
            "refresh_url": self._onboarding_refresh_url,
        }
        with _in_our_words():
            return (await self._stripe.account_links.create_async(params)).url

    async def create_transfer(self, payout: Payout) -> ProviderTransfer:
        """Out of what is available of our balance, at once."""
        params: TransferCreateParams = {
            "amount": payout.amount_cents,
            "currency": payout.currency.lower(),
            "destination": payout.stripe_account_id,
            "transfer_group": str(payout.reference),
            "metadata": {REFERENCE: str(payout.reference), "affiliate_id": str(payout.affiliate_id)},
        }
        with _in_our_words():
            made = await self._stripe.transfers.create_async(params, {"idempotency_key": payout.idempotency_key})
        return transfer_of(made.to_dict())

    async def find_transfer(self, reference: UUID) -> ProviderTransfer | None:
        """By its group, which is of this payout alone."""
        with _in_our_words():
            page = await self._stripe.transfers.list_async({"transfer_group": str(reference), "limit": 1})
        return next((transfer_of(listed.to_dict()) for listed in page.data), None)

    def verified(self, body: bytes, signature: str) -> ProviderEvent:
        """The event in a webhook; `BadSignature` unless it is exactly what the provider signed, and just now."""
        if not any(_signed_with(secret, body, signature) for secret in self._secrets):
            raise BadSignature
        event = strict_json(body)
        if not (isinstance(event, dict) and isinstance(event.get("id"), str) and isinstance(event.get("type"), str)):
            raise MalformedBody
        return ProviderEvent(id=event["id"], type=event["type"], payload=event)


def _signed_with(secret: str, body: bytes, signature: str) -> bool:
    """The library accepts times in the future, so we look at that side ourselves; it trips over what is not UTF-8."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE)
        at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
    return at <= now().timestamp() + TOLERANCE


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise RefusedByProvider(error.code or "invalid_request", error.user_message or str(error)) from error
    except stripe.StripeError as error:
        # A repeated failure is one that the provider has stored under the key; it would come back for 24 hours.
        if (error.http_status or 0) >= 500 and (error.headers or {}).get("idempotent-replayed") == "true":
            raise KeySpoilt(repr(error)) from error
        raise Unanswered(repr(error)) from error
