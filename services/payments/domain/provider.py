"""What the payment provider says, in our words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

KEYS_HOLD = timedelta(hours=23)  # the provider forgets idempotency keys after 24 hours


@dataclass(frozen=True, slots=True)
class Decline:
    """An attempt to pay that was turned down; `attempt` tells it from others, `reason` is for people."""

    attempt: str
    reason: str


@dataclass(frozen=True, slots=True)
class SavedCard:
    """By the provider's ids: whose it is, and which."""

    customer_id: str
    method_id: str


@dataclass(frozen=True, slots=True)
class PrintedCard:
    """By what its holder knows it."""

    brand: str
    last_four: str
    expires_month: int
    expires_year: int


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment intent at one moment. Money in cents; `reference` is ours, from the intent's metadata. Of a hold,
    `capture_before` is known only from answers that name its charge whole."""

    id: str
    status: str
    received_cents: int
    currency: str
    client_secret: str | None
    reference: UUID | None
    payment_method: dict[str, Any] | None
    decline: Decline | None
    held_cents: int = 0
    capture_before: datetime | None = None

    @property
    def is_final(self) -> bool:
        return self.status in ("succeeded", "canceled")

    @property
    def card(self) -> SavedCard | None:
        """That it was agreed to with, where the provider keeps it as somebody's."""
        used = self.payment_method or {}
        return SavedCard(used["customer"], used["id"]) if used.get("customer") and used.get("id") else None

    @property
    def is_held(self) -> bool:
        return self.status == "requires_capture"


@dataclass(frozen=True, slots=True)
class Setup:
    """A setup intent at one moment: a `card` that is saved once its holder has agreed."""

    id: str
    status: str
    client_secret: str | None
    reference: UUID | None
    card: SavedCard | None
    decline: Decline | None

    @property
    def is_final(self) -> bool:
        return self.status in ("succeeded", "canceled")


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund at one moment; `reference` is ours, from its metadata. Without `moves_money` it is how the provider
    shows what was let go of a hold."""

    id: str
    status: str
    amount_cents: int
    reference: UUID | None
    moves_money: bool = True


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """A dispute at one moment; `withdrawn_cents` is what the customer's bank has of our money by now."""

    id: str
    intent_id: str | None
    amount_cents: int
    currency: str
    reason: str
    status: str
    evidence_due_by: datetime | None
    withdrawn_cents: int
    fee_cents: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """The account of somebody who is to be paid, at one moment; `requirements` is what is asked for now."""

    id: str
    details_submitted: bool
    payouts_enabled: bool
    requirements: tuple[str, ...]
    reference: UUID | None


@dataclass(frozen=True, slots=True)
class ProviderTransfer:
    """Money that has left for an account; `reference` is ours, the transfer's group."""

    id: str
    amount_cents: int
    currency: str
    reference: UUID | None


@dataclass(frozen=True, slots=True)
class ProviderReversal:
    """What has come back of a transfer; `reference` is ours, unless somebody else wanted it."""

    id: str
    amount_cents: int
    reference: UUID | None


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """What happened there: by a webhook whose signature was right, or read from the provider's list. The same event has
    the same `id` however it comes."""

    id: str
    type: str
    payload: dict[str, Any]


class Unanswered(Exception):
    """The provider did not answer, or could not: whether the call had an effect is not known. Ask again, same key."""


class KeySpoilt(Exception):
    """The provider keeps a failure of its own under this key and will only repeat that: look up what came of it."""


class RefusedByProvider(Exception):
    """The provider understood and says no; asking again would not help."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason
