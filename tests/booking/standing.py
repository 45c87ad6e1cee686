"""Series as they are begun and lived in life."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from services.booking.commands.visits import book_visits
from shared.auth import Actor
from shared.db import Database
from shared.tasks import Outside
from shared.testing.tokens import customer

from .conftest import TIER, Shop, captured, next_monday

SERIES = "/booking/v1/series"
Json = dict[str, Any]


def week(n: int) -> str:
    """The Monday of a series, 0 being the first that can be booked."""
    return (next_monday() + timedelta(weeks=n)).isoformat()


def wanted(**more: Any) -> Json:
    return {
        "tier_id": TIER, "first_date": week(0), "time": "09:00", "every_weeks": 1,
        "address": "1 Main St", "zip": "11201",
    } | more  # fmt: skip


@dataclass
class Standing:
    """A customer's standing orders at a shop."""

    shop: Shop
    database: Database

    async def send(self, method: str, path: str, by: Actor, body: Any = None, **headers: str) -> httpx.Response:
        names = {"version": "If-Match", "key": "Idempotency-Key"}
        told = self.shop.as_(by) | {names[name]: value for name, value in headers.items()}
        return await self.shop.client.request(method, f"{SERIES}{path}", json=body, headers=told)

    async def ask(self, by: Actor | None = None, **more: Any) -> httpx.Response:
        return await self.send("POST", "", by or customer(7), wanted(**more))

    async def begun(self, by: Actor | None = None, **more: Any) -> Json:
        """One that has had its first visits booked."""
        answer = await self.ask(by, **more)
        assert answer.status_code == 201, answer.text
        series = dict(answer.json())
        await self.run(series)
        return series

    async def run(self, series: Json) -> None:
        """What the worker does when the series is due."""
        await book_visits(Outside(self.database), series_id=series["id"])

    async def run_when_due(self, series: Json) -> None:
        """The same, when what it waited for has come."""
        await self.sql("update series set due_at = now() - interval '1 s' where id = :id", id=series["id"])
        await self.run(series)

    async def act(
        self, series: Json, verb: str, by: Actor | None = None, body: Any = None, **headers: str
    ) -> httpx.Response:
        return await self.send(
            "POST", f"/{series['id']}/{verb}", by or customer(series["customer_id"]), body, **headers
        )

    async def look(self, series: Json, by: Actor | None = None) -> Json:
        return dict((await self.send("GET", f"/{series['id']}", by or customer(series["customer_id"]))).json())

    async def visits(self, series: Json) -> dict[str, Json]:
        """By their day, in their order."""
        answer = await self.send("GET", f"/{series['id']}/visits", customer(series["customer_id"]))
        assert answer.status_code == 200, answer.text
        return {visit["on_date"]: visit for visit in reversed(answer.json()["items"])}

    async def planned(self, series: Json) -> list[str]:
        answer = await self.send("GET", f"/{series['id']}/visits", customer(series["customer_id"]))
        return [day["on_date"] for day in answer.json()["planned"]]

    async def pay(self, visit: Json, **more: Any) -> None:
        of = {"id": visit["booking_id"], "customer_id": 7, "affiliate_id": 31}
        await self.shop.deliver(captured(of, visit["price_cents"], **more))

    async def all_paid(self, series: Json, visits: int) -> dict[str, Json]:
        """Book one visit after the other, each paid at once, until so many are."""
        for _ in range(visits):
            found = await self.visits(series)
            for visit in found.values():
                if visit["booking_status"] == "held":
                    await self.pay(visit)
            await self.run_when_due(series)
        return await self.visits(series)

    async def sql(self, statement: str, **values: Any) -> None:
        async with self.database.begin() as session:
            await session.execute(text(statement), values)
