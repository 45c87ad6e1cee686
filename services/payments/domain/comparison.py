"""The provider's books beside ours: all entries about one payment or payout, and what we know of it.

All that was ever booked is added up, so that it does not matter on which side of a midnight something came.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .dispute import Dispute
from .entry import CHARGES, REFUNDS, TRANSFERS, Entry
from .payment import Payment
from .payout import ARRIVED, Payout, PayoutStatus
from .refund import Refund, RefundStatus

NOTHING = "nothing"


class Kind(StrEnum):
    """`…_unknown` is in the provider's books alone, `…_missing` in ours alone, `foreign` not of our making.
    `wrong_balance`: all sums are the same, and yet the ledger says that another sum is on our account there."""

    CHARGE_UNKNOWN = "charge_unknown"
    CHARGE_MISSING = "charge_missing"
    DUPLICATE_CHARGE = "duplicate_charge"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_MISSING = "refund_missing"
    DISPUTE_UNKNOWN = "dispute_unknown"
    DISPUTE_MISSING = "dispute_missing"
    TRANSFER_UNKNOWN = "transfer_unknown"
    TRANSFER_MISSING = "transfer_missing"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_BALANCE = "wrong_balance"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Difference:
    """`subject` is the provider's id of what it is about, or ours where the provider has none."""

    kind: Kind
    subject: str
    provider_says: str
    we_say: str


@dataclass(frozen=True, slots=True)
class Told:
    """All that either side says of a payment; `clearing_cents` is what of it is with the provider, by the ledger."""

    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]
    entries: Sequence[Entry]
    clearing_cents: int


def differences_of_payment(payment: Payment, told: Told) -> list[Difference]:
    charges = [entry for entry in told.entries if entry.type in CHARGES]
    back = _by_source(entry for entry in told.entries if entry.type in REFUNDS)
    banks = _by_source(entry for entry in told.entries if entry.type not in CHARGES + REFUNDS)
    of_refunds, of_disputes = _of_refunds(payment, told.refunds, back), _of_disputes(told.disputes, banks)
    return [*_of_charges(payment, charges), *of_refunds, *of_disputes] or [*_of_balance(payment, told)]


def _by_source(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.source_id or entry.stripe_id, []).append(entry)
    return found


def _currency_of(entries: Sequence[Entry], ours: str) -> str:
    """Another than ours, if any of them has one."""
    return next((entry.currency for entry in entries if entry.currency != ours), ours)


def _of_charges(payment: Payment, entries: list[Entry]) -> Iterator[Difference]:
    """One charge at most, by the intent that we know of."""
    own = [entry for entry in entries if entry.intent_id == payment.stripe_payment_intent_id]
    we_say = f"{payment.captured_cents} {payment.currency}"
    for entry in [*own[1:], *(entry for entry in entries if entry not in own)]:
        yield Difference(Kind.DUPLICATE_CHARGE, entry.source_id or entry.stripe_id, entry.sum, we_say)
    if not own:
        if payment.captured_cents:
            yield Difference(Kind.CHARGE_MISSING, f"payment:{payment.id}", NOTHING, we_say)
        return
    if kind := _wrong_with(payment, own[0]):
        yield Difference(kind, own[0].source_id or own[0].stripe_id, own[0].sum, we_say)


def _wrong_with(payment: Payment, charge: Entry) -> Kind | None:
    if charge.currency != payment.currency:
        return Kind.WRONG_CURRENCY
    if charge.amount_cents == payment.captured_cents:
        return None
    unknown = payment.captured_cents == 0 and charge.amount_cents == payment.amount_cents
    return Kind.CHARGE_UNKNOWN if unknown else Kind.WRONG_AMOUNT


def _of_refunds(payment: Payment, refunds: Sequence[Refund], entries: dict[str, list[Entry]]) -> Iterator[Difference]:
    """What is under way may be in the provider's books, or not yet."""
    seen = set()
    for source, moves in entries.items():
        refund = next((r for r in refunds if r.stripe_refund_id == source or r.reference == moves[0].reference), None)
        total, currency = sum(move.amount_cents for move in moves), _currency_of(moves, payment.currency)
        if refund is not None:
            seen.add(refund.id)
        we_say = f"{-refund.amount_cents} {payment.currency}, {refund.status}" if refund else NOTHING
        if kind := _wrong_with_refund(payment, refund, total, currency):
            yield Difference(kind, source, f"{total} {currency}", we_say)
    for refund in refunds:
        if refund.status is RefundStatus.SUCCEEDED and refund.id not in seen:
            we_say = f"{-refund.amount_cents} {payment.currency}"
            yield Difference(Kind.REFUND_MISSING, f"refund:{refund.id}", NOTHING, we_say)


def _wrong_with_refund(payment: Payment, refund: Refund | None, total: int, currency: str) -> Kind | None:
    if refund is None:
        return Kind.REFUND_UNKNOWN if total else None
    if currency != payment.currency:
        return Kind.WRONG_CURRENCY
    ours = {RefundStatus.SUCCEEDED: (-refund.amount_cents,), RefundStatus.FAILED: (0,)}
    return None if total in ours.get(refund.status, (0, -refund.amount_cents)) else Kind.WRONG_AMOUNT


def _of_disputes(disputes: Sequence[Dispute], entries: dict[str, list[Entry]]) -> Iterator[Difference]:
    known = {dispute.stripe_dispute_id: dispute for dispute in disputes}
    for source, moves in entries.items():
        withdrawn = max(0, -sum(move.amount_cents for move in moves))
        fee = max(0, sum(move.fee_cents for move in moves))
        dispute = known.pop(source, None)
        currency = _currency_of(moves, dispute.currency if dispute else moves[0].currency)
        says = f"{withdrawn} {currency} and a fee of {fee}"
        if dispute is None:
            kind = Kind.DISPUTE_UNKNOWN if moves[0].type == "adjustment" else Kind.FOREIGN
            yield Difference(kind, source, says, NOTHING)
        elif currency != dispute.currency:
            yield Difference(Kind.WRONG_CURRENCY, source, says, _of_dispute(dispute))
        elif (withdrawn, fee) != (dispute.withdrawn_cents, dispute.fee_cents):
            yield Difference(Kind.WRONG_AMOUNT, source, says, _of_dispute(dispute))
    for source, dispute in known.items():
        if dispute.withdrawn_cents or dispute.fee_cents:
            yield Difference(Kind.DISPUTE_MISSING, source, NOTHING, _of_dispute(dispute))


def _of_dispute(dispute: Dispute) -> str:
    return f"{dispute.withdrawn_cents} {dispute.currency} and a fee of {dispute.fee_cents}"


def _of_balance(payment: Payment, told: Told) -> Iterator[Difference]:
    """After fees. What is under way may be in either of the books, or not yet."""
    net = sum(entry.net_cents for entry in told.entries)
    if net != told.clearing_cents and not any(refund.is_open for refund in told.refunds):
        says, we_say = f"{net} {payment.currency} after fees", f"{told.clearing_cents} {payment.currency} after fees"
        yield Difference(Kind.WRONG_BALANCE, f"payment:{payment.id}", says, we_say)


def differences_of_payout(payout: Payout, entries: Sequence[Entry]) -> list[Difference]:
    total = sum(entry.amount_cents for entry in entries)
    subject = payout.stripe_transfer_id or f"payout:{payout.id}"
    we_say = f"{payout.reversed_cents - payout.amount_cents} {payout.currency}, {payout.status}"
    if not entries:
        missing = payout.status in ARRIVED
        return [Difference(Kind.TRANSFER_MISSING, subject, NOTHING, we_say)] if missing else []
    currency = _currency_of(entries, payout.currency)
    says = f"{total} {currency}"
    if currency != payout.currency:
        return [Difference(Kind.WRONG_CURRENCY, subject, says, we_say)]
    left = payout.reversed_cents - payout.amount_cents
    expected = {PayoutStatus.PAID: (left,), PayoutStatus.REVERSED: (left,), PayoutStatus.REFUSED: (0,)}
    if total in expected.get(payout.status, (0, -payout.amount_cents)):
        return []
    return [Difference(Kind.WRONG_AMOUNT, subject, says, we_say)]


def difference_of_stranger(entry: Entry) -> Difference:
    """An entry about nothing that we know."""
    kind = Kind.FOREIGN
    if entry.reference is not None:
        kind = Kind.CHARGE_UNKNOWN if entry.type in CHARGES else Kind.REFUND_UNKNOWN
        kind = Kind.TRANSFER_UNKNOWN if entry.type in TRANSFERS else kind
    return Difference(kind, entry.source_id or entry.stripe_id, entry.sum, NOTHING)
