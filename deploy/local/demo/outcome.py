"""What has to have come of the path, exactly: nothing missing, nothing twice."""

from collections import Counter
from datetime import UTC, datetime

from shared.money import share

from . import affiliates, customers
from .http import Unexpected
from .people import JSON, Person

CUSTOMER_IS_TOLD = Counter(
    [
        *("booking_held", "booking_confirmed", "receipt_issued") * 3, "booking_completed", "invoice_issued",
        "booking_cancelled", "payment_refunded", "quote_answer", "quote_received",
    ]
)  # fmt: skip
OWNER_IS_TOLD = Counter(
    [
        "affiliate_approved", "payouts_ready", *("booking_received",) * 3, "review_posted", "booking_called_off",
        "quote_requested", "quote_accepted",
    ]
)  # fmt: skip


def money(cents: int) -> str:
    return f"${cents / 100:,.2f}"


async def notices(person: Person, expected: Counter[str]) -> Counter[str] | None:
    return _exactly(Counter(await customers.notices(person)), expected)


async def numbers(owner: Person, admin: Person, affiliate_id: int, price: JSON, quoted: JSON) -> Counter[str] | None:
    """Two bookings at this price, one completed, one paid back; and one by quote. Of the tax there is no commission."""
    total, rate = price["total_cents"], (await admin.get(affiliates.CONFIG))["commission_bp"]
    commission = 2 * _commission(price, rate) + _commission(quoted, rate)
    bookings = Counter(bookings_held=3, bookings_confirmed=3, bookings_completed=1, bookings_cancelled=1)
    revenue = 2 * total + quoted["price_cents"]
    amounts = Counter(revenue_cents=revenue, refunds_cents=total, commission_cents=commission)
    counted = await affiliates.numbers_of(owner, affiliate_id, datetime.now(UTC).date())
    return _exactly(Counter(counted), bookings + amounts)


def _commission(price: JSON, rate: int) -> int:
    return share(sum(line["amount_cents"] for line in price["lines"] if line["kind"] not in ("tax", "travel")), rate)


def _exactly(seen: Counter[str], expected: Counter[str]) -> Counter[str] | None:
    """None while something is missing; what is too much never goes away."""
    if seen - expected:
        raise Unexpected(f"expected {dict(expected)}, came {dict(seen)}")
    return None if expected - seen else seen


def in_words(seen: Counter[str]) -> str:
    bookings = ", ".join(f"{seen['bookings_' + what]} {what}" for what in ("confirmed", "completed", "cancelled"))
    amounts = ", ".join(f"{what} {money(seen[what + '_cents'])}" for what in ("revenue", "refunds", "commission"))
    return f"{bookings}; {amounts}"
