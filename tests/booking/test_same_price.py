"""Catalog's price check and booking's booking: two services, two databases, one price, whatever is sold to whom."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest_asyncio

from shared.auth import Actor
from shared.db import Database
from shared.revocation import Revocations
from shared.serve import load
from shared.settings import Profile, Role
from shared.testing.databases import one_transaction
from shared.testing.plugin import Deliver, Headers, recorded_in
from shared.testing.tokens import ADMIN, Signer, customer, member
from shared.vehicles import Condition, SizeClass

from .conftest import MONDAYS, Shop, config, monday_at

Json = dict[str, Any]
As = Callable[[Actor], Headers]
ROUNDS, JOBS = 8, 20
NEVER = 100_000_000  # cents: no price is that high, so booking refuses it, and says which is right
CATEGORIES = ("exterior", "interior", "full")
ZIPS = ("11201", "10001", "11215", "07302", "02108")  # the last is Boston: nobody comes there
CODES = ("TENTH", "FIVER", "GIFT", "NOWHERE")
APPLICATION = {"name": "Shine", "email": "hello@shine.example", "zip": "11201", "service_radius_m": 20_000}


@pytest_asyncio.fixture
async def catalog(
    run_databases: Callable[[str], Awaitable[Database]], signer: Signer, run_directory: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    jwks = signer.write_public_keys(run_directory)
    async with one_transaction(await run_databases("catalog")) as database:
        app = load(
            "catalog",
            lambda kind: kind(profile=Profile.TEST, role=Role.API, database_url=database.url, jwks_file=jwks),
        )
        app.state.database, app.state.revocations = database, Revocations(database)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            yield client, database


@dataclass
class Market:
    """One affiliate as its owner runs it in catalog, and what booking hears of that, in any order."""

    catalog: httpx.AsyncClient
    database: Database
    shop: Shop
    random: Random
    affiliate_id: int = 0
    heard: int = 0
    tiers: list[int] = field(default_factory=list)
    add_ons: list[int] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Json, by: Actor | None = None, **headers: str) -> Json:
        by = by or (member(self.affiliate_id, user_id=500) if self.affiliate_id else Actor(user_id=500))
        answer = await self.catalog.request(
            method, f"/catalog/v1/{path}", json=body, headers=self.shop.as_(by) | headers
        )
        assert answer.is_success, answer.text
        shown: Json = answer.json()
        return shown

    async def open(self) -> None:
        affiliate = await self.ask("POST", "affiliates", APPLICATION)
        self.affiliate_id = affiliate["id"]
        await self.ask("POST", f"affiliates/{self.affiliate_id}/approve", {}, ADMIN)
        await self.shop.deliver(config())
        await self.tell()
        path = f"/booking/v1/affiliates/{self.affiliate_id}/availability"
        await self.shop.client.put(path, json=MONDAYS, headers=self.shop.as_(member(self.affiliate_id)))

    async def tell(self) -> None:
        """In any order, and some of it twice."""
        told = (await recorded_in(self.database))[self.heard :]
        self.heard += len(told)
        for event in self.random.sample(told, len(told)) + told[:1]:
            await self.shop.deliver(event)

    async def change(self) -> None:
        """Another price list, and something new on offer."""
        mine = f"affiliates/{self.affiliate_id}"
        tag = (await self.catalog.get(f"/catalog/v1/{mine}/price-list")).headers["ETag"]
        await self.ask("PUT", f"{mine}/price-list", self.a_price_list(), None, **{"If-Match": tag})
        for _ in range(self.random.randrange(3)):
            self.add_ons.append((await self.ask("POST", f"{mine}/add-ons", self.an_add_on()))["add_on_id"])
        service = await self.ask("POST", f"{mine}/services", self.a_service())
        self.tiers += [tier["id"] for tier in service["tiers"]]
        await self.tell()

    def a_price_list(self) -> Json:
        some, draw = self.random.sample, self.random.randrange
        sizes = some(list(SizeClass), draw(2) * draw(3, 11))
        ends = sorted(some(range(1, 20_000), draw(4)))
        return {
            "sizes": [{"size_class": size, "multiplier_bp": draw(8_000, 25_000)} for size in sizes],
            "conditions": [
                {"condition": one, "multiplier_bp": draw(8_000, 20_000)} for one in some(list(Condition), draw(5))
            ],
            "travel_bands": [{"up_to_m": end, "fee_cents": draw(2) * draw(50, 5_000)} for end in ends],
            "minimum_cents": draw(50, 20_000),
            "tax_ppm": draw(2) * draw(120_000),
        }

    def an_add_on(self) -> Json:
        draw = self.random.randrange
        categories = self.random.sample(CATEGORIES, draw(3))
        return {"name": f"Extra {draw(9)}", "price_cents": draw(9_000), "duration_minutes": draw(60)} | {
            "categories": categories,
            "active": draw(5) > 0,
        }

    def a_service(self) -> Json:
        return {"category": self.random.choice(CATEGORIES), "name": "Wash", "tiers": [self.a_tier(), self.a_tier()]}

    def a_tier(self) -> Json:
        draw = self.random.randrange
        sizes = self.random.sample(list(SizeClass), draw(3))
        return {"name": f"Tier {draw(9)}", "price_cents": draw(50, 40_000), "duration_minutes": draw(30, 240)} | {
            "size_prices": [{"size_class": size, "price_cents": draw(50, 40_000)} for size in sizes]
        }

    def a_job(self) -> Json:
        draw = self.random.randrange
        job = {
            "tier_id": self.random.choice(self.tiers),
            "size_class": self.random.choice(list(SizeClass)),
            "condition": self.random.choice(list(Condition)),
            "add_on_ids": self.random.sample(self.add_ons, min(draw(3), len(self.add_ons))),
            "zip": self.random.choice(ZIPS[: 4 + (draw(10) == 0)]),
        }
        more = {name: job[name] for name in ("size_class", "condition", "add_on_ids")}
        job["more_vehicles"] = [more] * draw(3)
        return job | ({"promotion_code": self.random.choice(CODES)} if draw(2) else {})

    async def in_catalog(self, job: Json) -> httpx.Response:
        by = self.shop.as_(customer(7))
        return await self.catalog.post("/catalog/v1/price-checks", json=job, headers=by)

    async def in_booking(self, job: Json, price_cents: int) -> httpx.Response:
        return await self.shop.book(monday_at(9), customer(7), **job, price_cents=price_cents)


@pytest_asyncio.fixture
async def market(
    catalog: tuple[httpx.AsyncClient, Database], client: httpx.AsyncClient, as_: As, deliver: Deliver
) -> Market:
    market = Market(*catalog, Shop(client, as_, deliver), Random(4))
    await market.open()
    for code, off in (
        ("TENTH", {"percent_bp": 1_000}),
        ("FIVER", {"amount_cents": 500}),
        ("GIFT", {"percent_bp": 10_000}),
    ):
        whose = {"affiliate_id": market.affiliate_id} if code == "FIVER" else {}
        wanted = {"code": code, "starts_at": "2026-01-01T00:00:00Z", "categories": ["full"] * (code == "GIFT")}
        await market.ask("POST", "promotions", wanted | off | whose, None if whose else ADMIN)
    return market


async def test_both_come_to_the_same_cent_line_by_line_and_refuse_alike(market: Market) -> None:
    kinds = set()
    for _ in range(ROUNDS):
        await market.change()
        for _ in range(JOBS):
            job = market.a_job()
            checked, refused = (await market.in_catalog(job)), (await market.in_booking(job, NEVER)).json()
            kinds.add(checked.json().get("type", "priced"))
            if not checked.is_success:
                assert {k: refused.get(k) for k in checked.json() if k not in ("instance", "request_id")} == {
                    k: v for k, v in checked.json().items() if k not in ("instance", "request_id")
                }, job
                continue
            assert refused["lines"] == checked.json()["lines"], job
            assert refused["price_cents"] == checked.json()["total_cents"], job
    assert len(kinds) > 3, kinds
