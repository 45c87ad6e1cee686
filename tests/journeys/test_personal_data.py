"""Everything fetched, then everything forgotten: through the gateway, by seven services, over the broker."""

import json
from secrets import token_hex
from typing import Any

import httpx

from deploy.local.demo import customers
from deploy.local.demo.http import until
from shared.db import Database
from tests.personal.marks import tables_with

from ..running import PATIENCE, ZIP, RunningSystem, Shop

MARK = f"zwiebelfisch{token_hex(4)}"


async def places(system: RunningSystem, *marks: str) -> dict[str, list[str]]:
    found = {}
    for service, url in system.site.databases.items():
        database = Database(url, pool_size=1, application_name="tests")
        try:
            if tables := await tables_with(database, *marks):
                found[service] = tables
        finally:
            await database.close()
    return found


async def test_a_customer_fetches_their_data_and_is_then_found_nowhere(
    system: RunningSystem, http: httpx.AsyncClient, shop: Shop
) -> None:
    person = await system.person(http, "customer")
    await person.ask("PATCH", "/identity/v1/me", json={"full_name": f"Ada {MARK}"})
    slot = await until("a slot", lambda: customers.first_slot(person, shop.tier["id"]), PATIENCE)
    wanted = customers.booking_request(shop.tier, slot, ZIP) | {"address": f"17 {MARK} Road"}
    booking = (await customers.take(person, wanted, "k1")).json()

    await system.rest()  # identity has heard of it
    refused = await person.ask("POST", "/identity/v1/me/erasure", json={"password": person.password}, expect=409)
    assert refused.json()["type"] == "/problems/booking-live"
    await customers.cancel(person, booking, f"{MARK} is ill")

    mine = {"Authorization": f"Bearer {person.token}"}

    async def ready() -> Any:
        return (await http.get("/identity/v1/me/export", headers=mine)).json()["path"]

    archive = await person.get(await until("the export", ready, PATIENCE))
    assert {service for service, held in archive["services"].items() if MARK in json.dumps(held)} >= {
        "identity", "booking", "notifications",
    }  # fmt: skip
    assert set(await places(system, MARK, person.email)) >= {"identity", "booking", "notifications"}

    async def started() -> Any:
        """Refused until identity has heard that the booking is cancelled."""
        told = {"password": person.password}
        answer = await http.post("/identity/v1/me/erasure", json=told, headers=mine)
        return answer.json().get("secret")

    secret = await until("the erasure to begin", started, PATIENCE)

    async def done() -> Any:
        shown = (await http.post("/identity/v1/erasures/look-up", json={"token": secret})).json()
        return shown if shown["status"] == "done" else None

    shown = await until("seven receipts", done, PATIENCE)
    assert shown["missing"] == []
    await system.rest()  # nothing is on its way, and there is no dead letter
    assert await places(system, MARK, person.email) == {}
