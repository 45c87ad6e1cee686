"""No search reads a whole table: what the database says that it does, of the statements that are really sent."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
from sqlalchemy import event

from shared.db import Database
from shared.testing.plugin import AsOwner

MANY = """
insert into search_affiliates (affiliate_id, version, listed, name, zip, timezone, latitude, longitude,
    service_radius_m, service_zips, south, north, west, east, rating_hundredths, rules, free_days, categories,
    lowest_cents, prices, offered)
select n, 1, true, 'Shine ' || n, '11201', 'UTC', lat, lon, 40000,
       case when n % 50 = 0 then array['11201'] else '{}' end,
       lat - 0.4, lat + 0.4, lon - 0.5, lon + 0.5, 300 + n % 200, '{}', array[date '2199-01-01'], array['full'],
       5000 + n, array_fill(5000 + n, array[11]), 'Full detail'
  from generate_series(1, 4000) n,
       lateral (select 26 + n * 7 % 200 * 0.1 as lat, -118 + n * 13 % 450 * 0.1 as lon) base;
insert into search_offers (service_id, affiliate_id, version, listed, category, name, tiers, lowest_cents, prices)
select n, n / 3 + 1, 1, true, 'full', 'Full detail', '[]', 5000 + n, array_fill(5000 + n, array[11])
  from generate_series(1, 12000) n;
analyze search_affiliates, search_offers"""

FILTERS: list[dict[str, Any]] = [
    {}, {"category": "full"}, {"size_class": "suv"}, {"price_from": 5_000, "price_to": 9_000}, {"min_rating": 4},
    {"open_on": "2199-01-01"}, {"radius_m": 30_000}, {"latitude": 40.7, "longitude": -74.0, "zip": None},
    {"category": "full", "size_class": "suv", "price_to": 9_000, "min_rating": 3.5, "open_on": "2199-01-01"},
]  # fmt: skip
ORDERS = [*product(("distance", "rating", "price"), (None, "shine")), ("relevance", "shine")]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def test_no_search_reads_a_whole_table(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_owner: AsOwner
) -> None:
    await as_owner(MANY)
    sent: list[tuple[str, Any]] = []
    event.listen(
        fresh_database.engine.sync_engine, "before_cursor_execute", lambda *given: sent.append((given[2], given[3]))
    )
    for filters, (sort, words) in product(FILTERS, ORDERS):
        params = {"zip": "11201", "q": words, "sort": sort} | filters
        answer = await fresh_client.get("/catalog/v1/affiliates", params={k: v for k, v in params.items() if v})
        assert answer.json()["items"], answer.text
    await fresh_client.get("/catalog/v1/service-area", params={"zip": "11201"})
    asked = list(sent)
    assert len(asked) > len(FILTERS) * len(ORDERS) * 2
    async with fresh_database.read() as session:
        connection = await session.connection()
        for statement, values in asked:
            said = (await connection.exec_driver_sql(f"explain (format json) {statement}", values)).scalar_one()
            plan = (json.loads(said) if isinstance(said, str) else said)[0]["Plan"]
            read = {node.get("Relation Name") for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
            assert not read & {"affiliates", "search_affiliates", "search_offers"}, statement
