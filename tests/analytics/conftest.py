"""Events as the other services tell them, and what they were counted as."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingEvent
from shared.contracts.identity import UserRegistered
from shared.contracts.payments import PaymentCaptured, PaymentRefunded
from shared.events import Event
from shared.ids import new_id
from shared.testing.plugin import Deliver

AFFILIATE, OTHER = 31, 32
DAY = date(2026, 5, 4)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LIVE = "select metric_name, metric_date, dimensions, metric_value, recorded_at from business_metrics order by 1, 2, 3"


@pytest.fixture(scope="session")
def service() -> str:
    return "analytics"


def booking(kind: type[BookingEvent], booking_id: int = 61, version: int = 1, affiliate_id: int = AFFILIATE) -> Any:
    """What booking tells of a booking; the fields of one kind only are there for all."""
    return kind(
        booking_id=booking_id, version=version, customer_id=7, affiliate_id=affiliate_id, crew_id=1, service_id=41,
        tier_id=51, service_name="Full", tier_name="Gold", status="any", appointment_start=NOON, appointment_end=NOON,
        timezone="America/New_York", address="1 Main St", zip="11201", price_cents=18_900, commission_cents=2_835,
        currency="USD", hold_expires_at=NOON, refund_cents=900, cancelled_by="customer", reason="call me: 555 0100",
    )  # fmt: skip


def payment(
    kind: type[PaymentCaptured] | type[PaymentRefunded], payment_id: int = 71, version: int = 2, **changes: Any
) -> Any:
    values: dict[str, Any] = {
        "payment_id": payment_id, "version": version, "booking_id": 61, "customer_id": 7, "affiliate_id": AFFILIATE,
        "status": "captured", "amount_cents": 18_900, "commission_cents": 2_835, "refunded_cents": 900,
        "refund_cents": 900, "currency": "USD",
    }  # fmt: skip
    return kind(**values | changes)


def registered(user_id: int = 1007) -> UserRegistered:
    return UserRegistered(
        user_id=user_id, version=1, customer_id=7, email="ada@example.org", full_name="Ada Field", locale="en-US",
        timezone="America/New_York",
    )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One event, its id and its time: the same however often and whenever it comes."""

    event: Event
    at: datetime
    event_id: UUID

    @classmethod
    def of(cls, event: Event, at: datetime = NOON) -> "Told":
        return cls(event, at, new_id())


Tell = Callable[[Iterable[Told]], Any]
Numbers = Callable[[], Any]


@pytest.fixture
def tell(deliver: Deliver) -> Tell:
    async def tell(all_of_them: Iterable[Told]) -> None:
        for one in all_of_them:
            await deliver(one.event, one.event_id, one.at)

    return tell


@pytest.fixture
def numbers(session: AsyncSession) -> Numbers:
    """All of business_metrics as tuples."""

    async def numbers() -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await session.execute(text(LIVE))]

    return numbers
