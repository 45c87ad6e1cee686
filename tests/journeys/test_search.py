"""What a reader of the search sees through the gateway, which keeps answers for a moment."""

import time
from typing import Any

import httpx

from deploy.local.demo.http import until

from ..running import PATIENCE, Shop
from ..running import ZIP as PLACE

SOON = 5.0  # seconds: two at the gateway, and the way there


async def test_a_new_price_is_seen_by_everybody_in_a_moment(http: httpx.AsyncClient, shop: Shop) -> None:
    mine, search = shop.affiliate["id"], {"zip": PLACE, "q": shop.affiliate["name"], "limit": 100}

    async def shown() -> dict[str, Any] | None:
        answer = await http.get("/catalog/v1/affiliates", params=search)
        return next((found for found in answer.json()["items"] if found["id"] == mine), None)

    before = (await until("the shop is found", shown, PATIENCE))["from_price_cents"]
    services = (await shop.owner.ask("GET", f"/catalog/v1/affiliates/{mine}/services")).json()["items"]
    service = next(one for one in services if any(tier["id"] == shop.tier["id"] for tier in one["tiers"]))
    body = {name: service[name] for name in ("category", "name", "description", "active", "tiers")}
    body["tiers"] = [tier | {"price_cents": before - 100} for tier in body["tiers"]]
    changed = await shop.owner.ask("PUT", f"/catalog/v1/services/{service['id']}", json=body)
    assert changed.status_code == 200, changed.text
    began, statuses = time.monotonic(), set()

    async def cheaper() -> bool | None:
        answer = await http.get("/catalog/v1/affiliates", params=search)
        statuses.add(answer.headers["X-Cache"])
        found = next(one for one in answer.json()["items"] if one["id"] == mine)
        return found["from_price_cents"] == before - 100 or None

    await until("the new price", cheaper, PATIENCE)
    print(f"seen after {time.monotonic() - began:.1f} s of {SOON}")
    assert "HIT" in statuses, statuses
