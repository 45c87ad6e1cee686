"""The payment provider: Stripe, or whatever speaks its language. This and what it is put together from (`cards`,
`refusals`, `transport`) are all that knows the library.

One call is one request: 10 s at most, no retries of the library's own (the tasks retry, under the same key).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import stripe

from shared.clock import now
from shared.errors import BadRequest
from shared.strict_json import MalformedBody, strict_json

from .cards import Cards
from .domain.payout import Payout
from .domain.payout_account import PayoutAccount
from .domain.politeness import Breaker, Pace
from .domain.provider import (
    ProviderAccount,
    ProviderDispute,
    ProviderEvent,
    ProviderRefund,
    ProviderReversal,
    ProviderTransfer,
)
from .domain.refund import Refund
from .domain.reversal import Reversal
from .lookups import PAGE, TOLERANCE
from .objects import REFERENCE, account_of, dispute_of, entry_of, refund_of, reversal_of, transfer_of
from .refusals import in_our_words
from .settings import Settings
from .transport import Transport

if TYPE_CHECKING:
    from stripe.params import (
        AccountCreateParams,
        AccountLinkCreateParams,
        AccountListParams,
        BalanceTransactionListParams,
        DisputeListParams,
        EventListParams,
        TransferCreateParams,
        TransferCreateReversalParams,
    )

TIMEOUT = 10  # seconds
PATIENCE = 2  # seconds that a call waits for its turn
COUNTRY = "US"  # where affiliates are; shared/places.py knows no other


class BadSignature(BadRequest):
    """This was not signed with a secret of ours within the last five minutes, or not as it stands here."""


class Provider(Cards):
    """What we need of a payment provider. Every call raises `Unanswered`, or `RefusedByProvider`, or `KeySpoilt`."""

    def __init__(self, settings: Settings) -> None:
        self._secrets = settings.webhook_secrets
        self._onboarding_return_url = settings.onboarding_return_url or settings.public_url
        self._onboarding_refresh_url = settings.onboarding_refresh_url or settings.public_url
        pace = Pace(settings.stripe_calls_per_second, PATIENCE)
        breaker = Breaker(settings.stripe_silent_after, settings.stripe_pause_seconds)
        self.transport = Transport(pace, breaker, TIMEOUT)
        self._stripe = stripe.StripeClient(
            settings.stripe_api_key.get_secret_value(),
            base_addresses={"api": settings.stripe_api_base} if settings.stripe_api_base else {},
            http_client=self.transport,
            max_network_retries=0,
        ).v1

    async def aclose(self) -> None:
        await self.transport.close_async()  # type: ignore[no-untyped-call]

    async def refund(self, refund: Refund, intent_id: str) -> ProviderRefund:
        with in_our_words():
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
        with in_our_words():
            page = await self._stripe.refunds.list_async({"payment_intent": intent_id, "limit": PAGE})
            return [refund_of(listed.to_dict()) async for listed in page.auto_paging_iter()]

    async def get_dispute(self, dispute_id: str) -> ProviderDispute:
        with in_our_words():
            return dispute_of((await self._stripe.disputes.retrieve_async(dispute_id)).to_dict())

    async def disputes_since(self, since: datetime) -> list[ProviderDispute]:
        params: DisputeListParams = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        with in_our_words():
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
        with in_our_words():
            made = await self._stripe.accounts.create_async(params, {"idempotency_key": account.idempotency_key})
        return account_of(made.to_dict())

    async def get_account(self, account_id: str) -> ProviderAccount:
        with in_our_words():
            return account_of((await self._stripe.accounts.retrieve_async(account_id)).to_dict())

    async def find_account(self, reference: UUID, *, since: datetime) -> ProviderAccount | None:
        params: AccountListParams = {"created": {"gte": int(since.timestamp()) - TOLERANCE}, "limit": PAGE}
        with in_our_words():
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
        with in_our_words():
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
        with in_our_words():
            made = await self._stripe.transfers.create_async(params, {"idempotency_key": payout.idempotency_key})
        return transfer_of(made.to_dict())

    async def find_transfer(self, reference: UUID) -> ProviderTransfer | None:
        """By its group, which is of this payout alone."""
        with in_our_words():
            page = await self._stripe.transfers.list_async({"transfer_group": str(reference), "limit": 1})
        return next((transfer_of(listed.to_dict()) for listed in page.data), None)

    async def reverse_transfer(self, transfer_id: str, reversal: Reversal) -> ProviderReversal:
        params: TransferCreateReversalParams = {
            "amount": reversal.amount_cents,
            "metadata": {REFERENCE: str(reversal.reference), "payment_id": str(reversal.payment_id)},
        }
        with in_our_words():
            made = await self._stripe.transfers.reversals.create_async(
                transfer_id, params, {"idempotency_key": reversal.idempotency_key}
            )
        return reversal_of(made.to_dict())

    async def reversals_of(self, transfer_id: str) -> list[ProviderReversal]:
        with in_our_words():
            page = await self._stripe.transfers.reversals.list_async(transfer_id, {"limit": PAGE})
            return [reversal_of(listed.to_dict()) async for listed in page.auto_paging_iter()]

    async def entries_between(self, start: datetime, end: datetime, after: str | None) -> list[dict[str, Any]]:
        """The next page of what the provider has booked, newest first."""
        params: BalanceTransactionListParams = {
            "created": {"gte": int(start.timestamp()), "lt": int(end.timestamp())},
            "expand": ["data.source"],
            "limit": PAGE,
        }
        if after:
            params["starting_after"] = after
        with in_our_words():
            page = await self._stripe.balance_transactions.list_async(params)
        return [entry_of(listed.to_dict()) for listed in page.data]

    async def entries_of(self, source: str) -> list[dict[str, Any]]:
        """What is booked about one charge, refund, dispute or transfer."""
        with in_our_words():
            page = await self._stripe.balance_transactions.list_async(
                {"source": source, "expand": ["data.source"], "limit": PAGE}
            )
            return [entry_of(listed.to_dict()) async for listed in page.auto_paging_iter()]

    async def events_between(
        self, start: datetime, end: datetime, types: Sequence[str], after: str | None
    ) -> list[ProviderEvent]:
        """The next page of what happened, whether or not a webhook told of it, newest first."""
        params: EventListParams = {
            "created": {"gte": int(start.timestamp()), "lt": int(end.timestamp())},
            "types": list(types),
            "limit": PAGE,
        }
        if after:
            params["starting_after"] = after
        with in_our_words():
            page = await self._stripe.events.list_async(params)
        return [ProviderEvent(id=one.id, type=one.type, payload=one.to_dict()) for one in page.data]

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
