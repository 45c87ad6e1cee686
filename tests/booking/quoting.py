"""Quotes as they are asked for and answered in life; a second affiliate and a third beside the shop's own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from shared.auth import Actor
from shared.contracts.catalog import OfferPublished, Tier
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, MONDAYS, TIER, Shop, approved

QUOTES = "/booking/v1/quotes"
SECOND, THIRD = 32, 33
TIER_OF = {AFFILIATE: TIER, SECOND: 52, THIRD: 53}
PHOTOS = ["https://photos.example/door.jpg", "https://photos.example/seat.jpg"]
LINES = [
    {"kind": "service", "label": "Deep clean", "amount_cents": 21_999},
    {"kind": "travel", "label": "Ferry", "amount_cents": 1_250},
]
Json = dict[str, Any]


def wanted(*affiliates: int, **more: Any) -> Json:
    return {
        "tier_ids": [TIER_OF[affiliate] for affiliate in affiliates or (AFFILIATE,)],
        "size_class": "suv", "condition": "very_dirty", "vehicle": "2019 Honda Pilot", "photo_urls": PHOTOS,
        "address": "1 Main St", "zip": "11201", "budget_cents": 30_000, "description": "Two dogs, and a lot of sand.",
    } | more  # fmt: skip


def priced(**more: Any) -> Json:
    later = datetime.now(UTC) + timedelta(days=14)
    return {
        "lines": LINES, "duration_minutes": 180, "valid_until": later.isoformat(), "note": "With the seats out.",
    } | more  # fmt: skip


async def also_open(shop: Shop, *affiliates: int) -> None:
    """Further affiliates beside the shop's own, with the same hours and one tier each."""
    for affiliate in affiliates:
        tier = Tier(
            tier_id=TIER_OF[affiliate], version=1, name="Gold", price_cents=20_000, duration_minutes=120, active=True
        )
        offer = OfferPublished(
            service_id=100 + affiliate, version=1, affiliate_id=affiliate, category="full", name="Full", active=True,
            tiers=[tier],
        )  # fmt: skip
        await shop.deliver(approved(affiliate_id=affiliate, name=f"Affiliate {affiliate}"))
        await shop.deliver(offer)
        path = f"/booking/v1/affiliates/{affiliate}/availability"
        answer = await shop.client.put(path, json=MONDAYS, headers=shop.as_(member(affiliate)))
        assert answer.status_code == 200, answer.text


@dataclass
class Desk:
    """Where quotes are asked for and answered."""

    shop: Shop

    async def send(self, method: str, path: str, by: Actor, body: Any = None, **headers: str) -> httpx.Response:
        names = {"version": "If-Match", "key": "Idempotency-Key"}
        told = self.shop.as_(by) | {names[name]: value for name, value in headers.items()}
        return await self.shop.client.request(method, f"{QUOTES}{path}", json=body, headers=told)

    async def ask(self, *affiliates: int, by: Actor | None = None, **more: Any) -> httpx.Response:
        return await self.send("POST", "", by or customer(7), wanted(*affiliates, **more))

    async def asked(self, *affiliates: int, by: Actor | None = None, **more: Any) -> list[Json]:
        answer = await self.ask(*affiliates, by=by, **more)
        assert answer.status_code == 201, answer.text
        return list(answer.json()["quotes"])

    async def act(
        self, quote: Json, verb: str, by: Actor | None = None, body: Any = None, **headers: str
    ) -> httpx.Response:
        """By whoever this is usually done, if nobody is named."""
        usual = member(quote["affiliate_id"]) if verb in ("price", "decline") else customer(quote["customer_id"])
        body = body if body is not None else priced() if verb == "price" else {}
        return await self.send("POST", f"/{quote['id']}/{verb}", by or usual, body, **headers)

    async def price(self, quote: Json, **more: Any) -> Json:
        answer = await self.act(quote, "price", body=priced(**more))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def priced(self, *affiliates: int, **more: Any) -> list[Json]:
        return [await self.price(quote, **more) for quote in await self.asked(*affiliates)]

    async def accept(self, quote: Json, starts_at: str, by: Actor | None = None, **headers: str) -> httpx.Response:
        return await self.act(quote, "accept", by, {"starts_at": starts_at}, **headers)

    async def look(self, quote: Json, by: Actor | None = None) -> Json:
        answer = await self.send("GET", f"/{quote['id']}", by or customer(quote["customer_id"]))
        return dict(answer.json())

    async def status(self, quote: Json) -> str:
        return str((await self.look(quote))["status"])


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("type", "").removeprefix("/problems/")
