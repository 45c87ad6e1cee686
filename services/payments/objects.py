"""The provider's objects as it writes them, in answers and in webhooks, in our words."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from .domain.provider import (
    Decline,
    Intent,
    ProviderAccount,
    ProviderDispute,
    ProviderRefund,
    ProviderReversal,
    ProviderTransfer,
    SavedCard,
    Setup,
)

REFERENCE = "mdh_reference"


def intent_of(data: dict[str, Any]) -> Intent:
    """A payment intent as the provider writes it, in an answer or in a webhook."""
    charge = data["latest_charge"]
    whole = charge if isinstance(charge, dict) else {}
    return Intent(
        id=data["id"],
        status=data["status"],
        received_cents=data["amount_received"],
        currency=data["currency"].upper(),
        client_secret=data["client_secret"],
        reference=_reference(data),
        payment_method={
            "id": data["payment_method"],
            "charge": whole.get("id", charge),
            "customer": data.get("customer"),
        },
        decline=_decline(data, data["last_payment_error"]),
        held_cents=data.get("amount_capturable") or 0,
        capture_before=_capture_before(whole),
    )


def _capture_before(charge: dict[str, Any]) -> datetime | None:
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    until = card.get("capture_before")
    return datetime.fromtimestamp(until, UTC) if until else None


def setup_of(data: dict[str, Any]) -> Setup:
    customer, method = data["customer"], data["payment_method"]
    kept = data["status"] == "succeeded" and customer and method
    return Setup(
        id=data["id"],
        status=data["status"],
        client_secret=data["client_secret"],
        reference=_reference(data),
        card=SavedCard(customer, method) if kept else None,
        decline=_decline(data, data["last_setup_error"]),
    )


def _decline(data: dict[str, Any], error: dict[str, Any] | None) -> Decline | None:
    if not error or data["status"] != "requires_payment_method":
        return None
    attempt = error.get("charge") or f"{error.get('code')} {(error.get('payment_method') or {}).get('id')}"
    return Decline(attempt, error.get("message") or "The payment was declined.")


def refund_of(data: dict[str, Any]) -> ProviderRefund:
    status = data["status"] or "pending"
    return ProviderRefund(
        id=data["id"],
        status=status,
        amount_cents=data["amount"],
        reference=_reference(data),
        moves_money=status != "succeeded" or data.get("balance_transaction") is not None,
    )


def account_of(data: dict[str, Any]) -> ProviderAccount:
    return ProviderAccount(
        id=data["id"],
        details_submitted=data["details_submitted"],
        payouts_enabled=data["payouts_enabled"],
        requirements=tuple(data["requirements"]["currently_due"]),
        reference=_reference(data),
    )


def transfer_of(data: dict[str, Any]) -> ProviderTransfer:
    return ProviderTransfer(
        id=data["id"], amount_cents=data["amount"], currency=data["currency"].upper(), reference=_reference(data)
    )


def reversal_of(data: dict[str, Any]) -> ProviderReversal:
    return ProviderReversal(id=data["id"], amount_cents=data["amount"], reference=_reference(data))


def dispute_of(data: dict[str, Any]) -> ProviderDispute:
    """What the bank has for now is what was withdrawn and not reinstated; each movement may have its fee."""
    moves = data["balance_transactions"]
    due = data["evidence_details"]["due_by"]
    return ProviderDispute(
        id=data["id"],
        intent_id=data["payment_intent"],
        amount_cents=data["amount"],
        currency=data["currency"].upper(),
        reason=data["reason"],
        status=data["status"],
        evidence_due_by=datetime.fromtimestamp(due, UTC) if due else None,
        withdrawn_cents=max(0, -sum(move["amount"] for move in moves)),
        fee_cents=max(0, sum(move["fee"] for move in moves)),
        opened_at=datetime.fromtimestamp(data["created"], UTC),
    )


def entry_of(data: dict[str, Any]) -> dict[str, Any]:
    """A balance transaction with its source, as a row of ours; what comes back of a transfer is about that."""
    source = data["source"]
    whole = source if isinstance(source, dict) else {}
    about = whole["transfer"] if whole.get("object") == "transfer_reversal" else whole.get("id", source)
    return {
        "stripe_id": data["id"],
        "type": data["type"],
        "source_id": about,
        "intent_id": whole.get("payment_intent"),
        "reference": _reference(whole),
        "amount_cents": data["amount"],
        "fee_cents": data["fee"],
        "currency": data["currency"].upper(),
        "booked_at": datetime.fromtimestamp(data["created"], UTC),
    }


def _reference(data: dict[str, Any]) -> UUID | None:
    """None for what others have made under the same account."""
    try:
        return UUID(data["metadata"][REFERENCE])
    except (KeyError, TypeError, ValueError):
        return None
