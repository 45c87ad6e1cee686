"""What a customer does: find, book, pay, review, cancel."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from .http import Unexpected, ask, came
from .people import JSON, Person

MARGIN = timedelta(minutes=1)


async def search(person: Person, zip: str, affiliate_id: int, **wanted: str) -> JSON | None:
    """The affiliate as the search shows it, on whichever page."""
    cursor: dict[str, str] = {}
    while True:
        page = await person.get("/catalog/v1/affiliates", zip=zip, limit=100, **wanted, **cursor)
        for found in page["items"]:
            if found["id"] == affiliate_id:
                return found  # type: ignore[no-any-return]
        if page["next"] is None:
            return None
        cursor = {"cursor": page["next"]}


async def check_price(person: Person, tier: JSON, zip: str, job: JSON) -> JSON:
    """What it would cost, line by line."""
    return await person.post("/catalog/v1/price-checks", job | {"tier_id": tier["id"], "zip": zip}, expect=200)


async def slots(person: Person, tier_id: int, days: int = 5, add_on_ids: Sequence[int] = ()) -> list[datetime]:
    """When the tier can be booked with these add-ons; none while booking has not heard of it or of them. The days are
    those of the affiliate's zone, so that the range begins a day early."""
    first = datetime.now(UTC).date() - timedelta(days=1)
    range = {"tier_id": tier_id, "from": str(first), "to": str(first + timedelta(days=days))}
    try:
        shown = await person.get("/booking/v1/slots", **range, add_on_ids=list(add_on_ids))
    except Unexpected as refused:
        if came(refused, 404, 409, 422):
            return []
        raise
    return [datetime.fromisoformat(slot["starts_at"]) for day in shown["days"] for slot in day["slots"]]


async def first_slot(
    person: Person, tier_id: int, add_on_ids: Sequence[int] = (), *, after: timedelta = MARGIN
) -> datetime | None:
    """The earliest that does not begin before then, seen from now."""
    earliest = datetime.now(UTC) + after
    return next((slot for slot in await slots(person, tier_id, add_on_ids=add_on_ids) if slot >= earliest), None)


def booking_request(tier: JSON, slot: datetime, zip: str, **more: Any) -> JSON:
    """Of a sedan as clean as most and nothing besides, if no more is said."""
    return {
        "tier_id": tier["id"],
        "starts_at": slot.isoformat(),
        "address": "1 Demo Street",
        "zip": zip,
        "price_cents": tier["price_cents"],
    } | more


async def take(person: Person, wanted: JSON, key: str) -> httpx.Response:
    """Takes the slot; the same key again gets the same answer again."""
    headers = {"Idempotency-Key": key}
    answer: httpx.Response = await person.ask("POST", "/booking/v1/bookings", json=wanted, headers=headers, expect=201)
    return answer


async def payment_of(person: Person, booking_id: int) -> JSON | None:
    """The payment with what its customer needs to pay it; None until the provider is ready."""
    payment = await person.find("/payments/v1/payments", booking_id=booking_id)
    return payment if payment and payment["client_secret"] else None


def intent_of(payment: JSON) -> str:
    """A client secret begins with the name of its intent."""
    return str(payment["client_secret"]).partition("_secret_")[0]


async def pay(person: Person, stripe: str, payment: JSON, card: str = "pm_card_visa") -> JSON:
    """As the provider's library in a browser does: with the publishable key, past the gateway."""
    told = {
        "key": payment["publishable_key"],
        "client_secret": payment["client_secret"],
        "payment_method": card,
    }
    address = f"{stripe}/v1/payment_intents/{intent_of(payment)}/confirm"
    return (await ask(person.http, "POST", address, data=told)).json()  # type: ignore[no-any-return]


async def booking(person: Person, booking_id: int, status: str) -> JSON | None:
    """The booking once it has this status."""
    found = await person.get(f"/booking/v1/bookings/{booking_id}")
    return found if found["status"] == status else None


async def review(person: Person, booking_id: int, rating: int, comment: str) -> JSON | None:
    """None while reviews has not heard that the booking is completed."""
    try:
        told = {"booking_id": booking_id, "rating": rating, "comment": comment}
        return await person.post("/reviews/v1/reviews", told)
    except Unexpected as refused:
        if came(refused, 404, 409):
            return None
        raise


async def cancel(person: Person, booking: JSON, reason: str) -> JSON:
    path = f"/booking/v1/bookings/{booking['id']}/cancel"
    return await person.post(path, {"reason": reason}, expect=200)


async def invoice_of(person: Person, booking_id: int) -> JSON | None:
    """None while it is not issued."""
    found = await person.get("/payments/v1/invoices", booking_id=booking_id, kind="invoice")
    return next(iter(found["items"]), None)


async def file_of(person: Person, invoice: JSON) -> bytes:
    """The invoice as a PDF."""
    answer: httpx.Response = await person.ask("GET", f"/payments/v1/invoices/{invoice['id']}/pdf", expect=200)
    return answer.content


async def notices(person: Person) -> list[str]:
    """The kinds of one's notifications, oldest first."""
    page = await person.get("/notifications/v1/notifications", limit=100)
    return [item["type"] for item in reversed(page["items"])]
