"""Bookings as booking tells of them, and ways to review them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.booking import BookingCompleted, BookingEvent
from shared.testing.plugin import Deliver, Headers
from shared.testing.tokens import customer

AFFILIATE, BOOKING, CUSTOMER = 31, 61, 7
REVIEWS = "/reviews/v1/reviews"
STATUS = {"BookingHeld": "held", "BookingConfirmed": "confirmed", "BookingCompleted": "completed",
          "BookingExpired": "expired", "BookingCancelled": "cancelled", "BookingRefundDue": "cancelled"}  # fmt: skip


@pytest.fixture(scope="session")
def service() -> str:
    return "reviews"


def told(kind: type[BookingEvent], version: int, **changes: Any) -> Any:
    """What booking tells of a booking; the fields of one kind only are there for all."""
    at = datetime(2026, 5, 4, 13, tzinfo=UTC)
    values: dict[str, Any] = {
        "booking_id": BOOKING, "version": version, "customer_id": CUSTOMER, "affiliate_id": AFFILIATE, "crew_id": 1,
        "service_id": 41, "tier_id": 51, "service_name": "Full", "tier_name": "Gold", "status": STATUS[kind.__name__],
        "appointment_start": at, "appointment_end": at, "timezone": "America/New_York", "address": "1 Main St",
        "zip": "11201", "price_cents": 18_900, "commission_cents": 2_835, "currency": "USD", "hold_expires_at": at,
        "refund_cents": 0, "cancelled_by": "customer", "reason": "",
    }  # fmt: skip
    return kind(**values | changes)


@dataclass
class Desk:
    """Where reviews are written."""

    client: httpx.AsyncClient
    as_: Callable[[Actor], Headers]
    deliver: Deliver

    async def completed(self, booking_id: int = BOOKING, customer_id: int = CUSTOMER) -> None:
        await self.deliver(told(BookingCompleted, 3, booking_id=booking_id, customer_id=customer_id))

    async def post(self, by: Actor | None = None, *, key: str | None = None, **body: Any) -> httpx.Response:
        headers = self.as_(by or customer(CUSTOMER)) | ({"Idempotency-Key": key} if key else {})
        return await self.client.post(REVIEWS, json={"booking_id": BOOKING, "rating": 5} | body, headers=headers)

    async def posted(self, booking_id: int = BOOKING, customer_id: int = CUSTOMER, **body: Any) -> dict[str, Any]:
        await self.completed(booking_id, customer_id)
        response = await self.post(customer(customer_id), booking_id=booking_id, **body)
        assert response.status_code == 201, response.text
        review: dict[str, Any] = response.json()
        return review

    async def change(
        self, review: dict[str, Any], by: Actor, version: int | None = None, **body: Any
    ) -> httpx.Response:
        headers = self.as_(by) | ({"If-Match": f'"{version}"'} if version else {})
        return await self.client.patch(f"{REVIEWS}/{review['id']}", json=body, headers=headers)

    async def delete(self, review: dict[str, Any], by: Actor) -> httpx.Response:
        return await self.client.delete(f"{REVIEWS}/{review['id']}", headers=self.as_(by))

    async def rating(self, affiliate_id: int = AFFILIATE) -> tuple[int, int]:
        """Hundredths of a star, and how many reviews."""
        found = (await self.client.get(f"/reviews/v1/affiliates/{affiliate_id}/rating")).json()
        return found["rating_hundredths"], found["review_count"]


@pytest.fixture
def desk(client: httpx.AsyncClient, as_: Callable[[Actor], Headers], deliver: Deliver) -> Desk:
    return Desk(client, as_, deliver)
