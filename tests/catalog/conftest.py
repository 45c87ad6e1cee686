"""Affiliates and offers made as they are made in life: through the API."""

from collections.abc import Awaitable, Callable
from csv import DictWriter
from io import StringIO
from typing import Any

import httpx
import pytest

from services.catalog.schemas.bulk import COLUMNS
from shared.auth import Actor
from shared.testing.plugin import Deliver, Headers, Published
from shared.testing.tokens import ADMIN

OWNER = Actor(user_id=500)
BROOKLYN, MANHATTAN, NEWARK, BOSTON, HOUSTON = "11201", "10001", "07102", "02108", "77002"

Json = dict[str, Any]
Made = Callable[..., Awaitable[Json]]


@pytest.fixture(scope="session")
def service() -> str:
    return "catalog"


def application(**changes: Any) -> Json:
    return {
        "name": "Shine & Sons",
        "email": "hello@shine.example",
        "phone": "+1 718 555 0100",
        "street": "1 Court Street",
        "zip": BROOKLYN,
        "service_radius_m": 20_000,
    } | changes


def tier(**changes: Any) -> Json:
    return {"name": "Gold", "price_cents": 18_900, "duration_minutes": 120, "included": ["Wax"]} | changes


def offer(**changes: Any) -> Json:
    return {"category": "full", "name": "Full detail", "description": "All of it.", "tiers": [tier()]} | changes


def revision(service: Json, **changes: Any) -> Json:
    """The body of a PUT that would leave this service as it is, but for these changes."""
    return {name: service[name] for name in ("category", "name", "description", "active", "tiers")} | changes


def price_list(**changes: Any) -> Json:
    """As a detailer in New York City prices."""
    return {
        "sizes": [
            {"size_class": "sedan", "multiplier_bp": 10_000},
            {"size_class": "suv", "multiplier_bp": 12_000},
        ],
        "conditions": [{"condition": "very_dirty", "multiplier_bp": 15_000}],
        "travel_bands": [{"up_to_m": 5_000, "fee_cents": 0}, {"up_to_m": 20_000, "fee_cents": 2_500}],
        "minimum_cents": 10_000,
        "tax_ppm": 88_750,
    } | changes


def add_on(**changes: Any) -> Json:
    return {"name": "Wax", "price_cents": 4_500, "duration_minutes": 30, "categories": ["full"]} | changes


def promotion(**changes: Any) -> Json:
    """Of the platform, unless it names an affiliate."""
    return {"code": "SPRING", "percent_bp": 1_000, "starts_at": "2026-01-01T00:00:00Z"} | changes


def sheet(*rows: Json, **row: str) -> str:
    """A file to import: one line for each row, with cells of its own instead of these."""
    usual = dict.fromkeys(COLUMNS, "") | {
        "category": "full", "service": "Full detail", "service_active": "yes", "tier": "Gold", "price_cents": "18900",
        "duration_minutes": "120", "tier_active": "yes",
    }  # fmt: skip
    text = StringIO()
    table = DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(usual | one for one in (*rows, *([row] if row else [])))
    return text.getvalue()


def promotion_whole(**changes: Any) -> Json:
    """With all that it may say."""
    limits = {"ends_at": "2030-01-01T00:00:00Z", "max_uses": 100, "max_uses_per_customer": 1}
    return promotion(amount_cents=None, categories=["full"]) | limits | changes


def configuration(**changes: Any) -> Json:
    """Every value of the platform's configuration, as a change sends them."""
    return {
        "currency": "USD",
        "commission_bp": 1500,
        "commission_rates": [{"category": "ceramic", "affiliate_tier": "gold", "commission_bp": 1200}],
        "hold_minutes": 15,
        "max_open_holds": 3,
        "lead_minutes": 120,
        "horizon_days": 60,
        "free_cancellation_hours": 24,
        "late_cancellation_fee_bp": 5000,
        "cancellation_policies": [{"name": "flexible", "free_cancellation_hours": 2, "late_cancellation_fee_bp": 1000}],
        "deposit": {"deposit_bp": 2000, "minimum_cents": 1000},
        "tips_allowed": True,
        "payment_modes": ["full", "on_site"],
        "features": {"applications": True, "bookings": True, "quotes": True, "reviews": True, "registration": True},
    } | changes


@pytest.fixture
def applied(client: httpx.AsyncClient, as_: Callable[[Actor], Headers]) -> Made:
    async def apply(owner: Actor = OWNER, **changes: Any) -> Json:
        answer = await client.post("/catalog/v1/affiliates", json=application(**changes), headers=as_(owner))
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    return apply


@pytest.fixture
def approved(client: httpx.AsyncClient, as_: Callable[[Actor], Headers], applied: Made) -> Made:
    async def approve(owner: Actor = OWNER, **changes: Any) -> Json:
        affiliate = await applied(owner, **changes)
        answer = await client.post(f"/catalog/v1/affiliates/{affiliate['id']}/approve", headers=as_(ADMIN))
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    return approve


@pytest.fixture
def offered(client: httpx.AsyncClient, as_: Callable[[Actor], Headers]) -> Made:
    async def publish(affiliate: Json, owner: Actor = OWNER, **changes: Any) -> Json:
        path = f"/catalog/v1/affiliates/{affiliate['id']}/services"
        answer = await client.post(path, json=offer(**changes), headers=as_(owner))
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    return publish


@pytest.fixture
def caught_up(deliver: Deliver, published: Published) -> Callable[[], Awaitable[None]]:
    """Delivers to catalog what it has told since the last time, as its worker would."""
    return catching_up(deliver, published)


def catching_up(deliver: Deliver, published: Callable[[], Awaitable[list[Any]]]) -> Callable[[], Awaitable[None]]:
    delivered = 0

    async def catch_up() -> None:
        nonlocal delivered
        events = await published()
        for event in events[delivered:]:
            await deliver(event)
        delivered = len(events)

    return catch_up
