"""A bookable offer, made as it is made in life: by other services' events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.auth import Actor
from shared.contracts.catalog import (
    AffiliateApproved,
    ConfigChanged,
    OfferPublished,
    PriceListChanged,
    PromotionChanged,
    Tier,
)
from shared.contracts.payments import PaymentCaptured
from shared.pricing import AddOn, PriceList, Promotion
from shared.testing.plugin import Deliver, Headers
from shared.testing.tokens import customer, member

ZONE = "America/New_York"
AFFILIATE, SERVICE, TIER, ADD_ON = 31, 41, 51, 81
PRICE = 18_900


@pytest.fixture(scope="session")
def service() -> str:
    return "booking"


def config(version: int = 1, **changes: Any) -> ConfigChanged:
    values: dict[str, Any] = {
        "config_id": 1, "version": version, "currency": "USD", "commission_bp": 1500, "hold_minutes": 10,
        "lead_minutes": 60, "horizon_days": 90, "free_cancellation_hours": 24, "late_cancellation_fee_bp": 5000,
    }  # fmt: skip
    return ConfigChanged(**values | changes)


def approved(version: int = 2, **changes: Any) -> AffiliateApproved:
    values: dict[str, Any] = {
        "affiliate_id": AFFILIATE, "version": version, "owner_user_id": 500, "name": "Shine", "city": "Brooklyn",
        "application_status": "approved", "state": "NY", "zip": "11201", "timezone": ZONE, "latitude": 40.69,
        "longitude": -73.99, "service_radius_m": 20_000,
    }  # fmt: skip
    return AffiliateApproved(**values | changes)


def published_offer(
    version: int = 1, *, active: bool = True, price_cents: int = PRICE, name: str = "Full", **of_tier: Any
) -> OfferPublished:
    values = {"tier_id": TIER, "version": version, "name": "Gold", "duration_minutes": 120, "active": True} | of_tier
    tier = Tier(price_cents=price_cents, **values)
    return OfferPublished(
        service_id=SERVICE,
        version=version,
        affiliate_id=AFFILIATE,
        category="full",
        name=name,
        active=active,
        tiers=[tier],
    )


def price_list(version: int = 1, **rules: Any) -> PriceListChanged:
    return PriceListChanged(price_list_id=AFFILIATE, version=version, affiliate_id=AFFILIATE, rules=PriceList(**rules))


def add_on(**changes: Any) -> AddOn:
    values: dict[str, Any] = {"add_on_id": ADD_ON, "name": "Wax", "price_cents": 2_500, "duration_minutes": 30}
    return AddOn(**values | changes)


def promotion(version: int = 1, promotion_id: int = 71, code: str = "SPRING", **rules: Any) -> PromotionChanged:
    told = {"affiliate_id": AFFILIATE, "starts_at": datetime(2026, 1, 1, tzinfo=UTC)} | rules
    return PromotionChanged(
        promotion_id=promotion_id,
        version=version,
        promotion=Promotion(promotion_id=promotion_id, code=code, **told),
    )


def captured(booking: dict[str, Any], amount_cents: int = PRICE, version: int = 3, **more: Any) -> PaymentCaptured:
    values: dict[str, Any] = {
        "payment_id": booking["id"], "version": version, "booking_id": booking["id"],
        "customer_id": booking["customer_id"], "affiliate_id": booking["affiliate_id"], "status": "captured",
        "amount_cents": amount_cents, "commission_cents": 0, "refunded_cents": 0, "currency": "USD",
    }  # fmt: skip
    return PaymentCaptured(**values | more)


def next_monday() -> date:
    today = datetime.now(UTC).date()
    return today + timedelta(days=7 - today.weekday() if today.weekday() < 5 else 14 - today.weekday())


def monday_at(hour: int, minute: int = 0) -> str:
    """A moment on the next Monday but soon enough to be booked, in the affiliate's zone, as RFC 3339."""
    from zoneinfo import ZoneInfo

    day = next_monday()
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(ZONE)).isoformat()


MONDAYS = {"windows": [{"weekday": 0, "opens": "08:00", "closes": "18:00"}]}


@dataclass
class Shop:
    """An affiliate open on Mondays from 8 to 18, and ways to book it."""

    client: httpx.AsyncClient
    as_: Callable[[Actor], Headers]
    deliver: Deliver

    async def book(self, starts_at: str, by: Actor | None = None, **more: Any) -> httpx.Response:
        body = {"tier_id": TIER, "starts_at": starts_at, "address": "1 Main St", "zip": "11201"} | more
        return await self.client.post("/booking/v1/bookings", json=body, headers=self.as_(by or customer(7)))

    async def held(self, starts_at: str | None = None, by: Actor | None = None) -> dict[str, Any]:
        response = await self.book(starts_at or monday_at(9), by)
        assert response.status_code == 201, response.text
        booking: dict[str, Any] = response.json()
        return booking

    async def look(self, booking: dict[str, Any]) -> dict[str, Any]:
        path = f"/booking/v1/bookings/{booking['id']}"
        found: dict[str, Any] = (await self.client.get(path, headers=self.as_(customer(booking["customer_id"])))).json()
        return found

    async def slots(self, first: date, last: date, **more: Any) -> dict[str, list[str]]:
        params: dict[str, Any] = {"tier_id": TIER, "from": first.isoformat(), "to": last.isoformat()} | more
        response = await self.client.get("/booking/v1/slots", params=params)
        assert response.status_code == 200, response.text
        return {day["date"]: [slot["starts_at"] for slot in day["slots"]] for day in response.json()["days"]}


async def open_shop(client: httpx.AsyncClient, as_: Callable[[Actor], Headers], deliver: Deliver) -> Shop:
    for event in (config(), approved(), published_offer()):
        await deliver(event)
    path = f"/booking/v1/affiliates/{AFFILIATE}/availability"
    response = await client.put(path, json=MONDAYS, headers=as_(member(AFFILIATE)))
    assert response.status_code == 200, response.text
    return Shop(client, as_, deliver)


@pytest_asyncio.fixture
async def shop(client: httpx.AsyncClient, as_: Callable[[Actor], Headers], deliver: Deliver) -> Shop:
    return await open_shop(client, as_, deliver)


Sql = Callable[..., Awaitable[None]]
