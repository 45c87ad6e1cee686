"""What has to have come of the path, exactly: nothing missing, nothing twice."""

from collections import Counter
from datetime import UTC, datetime

from shared.money import share

from . import affiliates, customers
from .http import Unexpected
from .people import JSON, Person

CUSTOMER_IS_TOLD = Counter(
    [*("booking_held", "booking_confirmed") * 2, "booking_completed", "booking_cancelled", "payment_refunded"]
)
OWNER_IS_TOLD = Counter(
    ["affiliate_approved", "payouts_ready", *("booking_received",) * 2, "review_posted", "booking_called_off"]
)


def money(cents: int) -> str:
    return f"${cents / 100:,.2f}"


async def notices(person: Person, expected: Counter[str]) -> Counter[str] | None:
    return _exactly(Counter(await customers.notices(person)), expected)


async def numbers(owner: Person, admin: Person, affiliate_id: int, price: JSON) -> Counter[str] | None:
    """Two bookings at this price: one completed, one paid back. Of the tax there is no commission."""
    total = price["total_cents"]
    untaxed = sum(line["amount_cents"] for line in price["lines"] if line["kind"] != "tax")
    commission = share(untaxed, (await admin.get(affiliates.CONFIG))["commission_bp"])
    bookings = Counter(bookings_held=2, bookings_confirmed=2, bookings_completed=1, bookings_cancelled=1)
    amounts = Counter(revenue_cents=2 * total, refunds_cents=total, commission_cents=2 * commission)
    counted = await affiliates.numbers_of(owner, affiliate_id, datetime.now(UTC).date())
    return _exactly(Counter(counted), bookings + amounts)


def _exactly(seen: Counter[str], expected: Counter[str]) -> Counter[str] | None:
    """None while something is missing; what is too much never goes away."""
    if seen - expected:
        raise Unexpected(f"expected {dict(expected)}, came {dict(seen)}")
    return None if expected - seen else seen


def in_words(seen: Counter[str]) -> str:
    bookings = ", ".join(f"{seen['bookings_' + what]} {what}" for what in ("confirmed", "completed", "cancelled"))
    amounts = ", ".join(f"{what} {money(seen[what + '_cents'])}" for what in ("revenue", "refunds", "commission"))
    return f"{bookings}; {amounts}"
