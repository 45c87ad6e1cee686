"""`mdh search`: an operator has the read model made anew."""

from collections.abc import Awaitable, Callable

import httpx
from sqlalchemy import text

from shared.auth import Actor
from shared.db import Database
from shared.testing.plugin import Headers
from shared.testing.tokens import ADMIN

from .conftest import BROOKLYN, OWNER, application, offer

Mdh = Callable[..., Awaitable[tuple[int, str]]]
AFFILIATES = "/catalog/v1/affiliates"


async def test_a_model_that_was_lost_is_made_anew(
    mdh: Mdh, fresh_client: httpx.AsyncClient, fresh_database: Database, as_: Callable[[Actor], Headers]
) -> None:
    owner = as_(OWNER)
    made = (await fresh_client.post(AFFILIATES, json=application(), headers=owner)).json()
    await fresh_client.post(f"{AFFILIATES}/{made['id']}/approve", headers=as_(ADMIN))
    await fresh_client.post(f"{AFFILIATES}/{made['id']}/services", json=offer(), headers=owner)
    async with fresh_database.begin() as session:
        await session.execute(text("delete from search_affiliates"))
    for _ in range(2):
        assert await mdh("search", "rebuild") == (0, "1 affiliates\n")
        found = (await fresh_client.get(AFFILIATES, params={"zip": BROOKLYN})).json()["items"]
        assert [(one["id"], one["from_price_cents"]) for one in found] == [(made["id"], 18_900)]
