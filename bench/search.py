"""The search over a country: 100,000 affiliates spread like its zip codes, five tiers each, in the read model.

One request at a time at the service, so that it is latency; beside it the bare statement for the same places.
"""

import random
import time
from typing import Any

import zipcodes

from .load import Run, in_flight, percentile, request
from .system import System
from .table import Table

AFFILIATES, QUICK_AFFILIATES = 100_000, 10_000
REQUESTS, QUICK = 300, 60
DENSEST = "10001"
FIRST = 50_000_000  # ids that nobody else has
KINDS = {
    "by place, nearest first": "",
    "  the next page": "next",
    "  best rated first": "&sort=rating",
    "  by price, for an SUV": "&sort=price&size_class=suv",
    "  of a category": "&category=ceramic",
    "  by words": "&sort=relevance&q=glossy+paint",
}
AFFILIATE = """
insert into search_affiliates (affiliate_id, version, listed, name, slug, city, state, zip, timezone, latitude,
    longitude, service_radius_m, south, north, west, east, rating_hundredths, review_count, rules, categories,
    lowest_cents, prices, offered, described)
select $1::bigint + n, 1, true, (array['Shine', 'Gloss', 'Mirror', 'Royal'])[1 + n % 4] || ' Detailing ' || n,
       'bench-' || n, 'City', 'NY', zip, 'America/New_York', latitude, longitude, radius,
       latitude - radius / 111195.0, latitude + radius / 111195.0,
       longitude - radius / (111195.0 * cos(radians(latitude))),
       longitude + radius / (111195.0 * cos(radians(latitude))),
       case when n % 5 > 0 then 300 + n % 200 end, n % 120, '{}',
       case n % 3 when 0 then array['exterior', 'full'] when 1 then array['ceramic', 'full'] else array['interior'] end,
       4900 + n % 90 * 100, array_fill(4900 + n % 90 * 100, array[11]),
       'Cabin clean | Wash and wax | Ceramic coating', 'Seats, carpets and glass by hand. Years of glossy paint.'
  from unnest($2::text[], $3::float8[], $4::float8[], $5::bigint[]) with ordinality
       as place (zip, latitude, longitude, radius, n)"""
OFFERS = """
insert into search_offers (service_id, affiliate_id, version, listed, category, name, description, tiers, lowest_cents,
    prices)
select affiliate_id * 5 + k, affiliate_id, 1, true, categories[1 + k % array_length(categories, 1)],
       (array['Cabin clean', 'Wash and wax', 'Full detail', 'Ceramic coating', 'Engine bay'])[1 + k], 'By hand.', '[]',
       lowest_cents + k * 1500, array_fill(lowest_cents + k * 1500, array[11])
  from search_affiliates, generate_series(0, 4) as k where affiliate_id > $1"""
PLAIN = """
with near as (
    select affiliate_id, name, rating_hundredths, lowest_cents, service_radius_m,
           service_zips @> array[$3::varchar] as named,
           round(12742017.6 * asin(sqrt(power(sin((radians(latitude) - radians($1)) / 2), 2) + cos(radians($1))
               * cos(radians(latitude)) * power(sin((radians(longitude) - radians($2)) / 2), 2))))::bigint as distance_m
      from search_affiliates
     where listed and (box(point(west, south), point(east, north)) @> box(point($2, $1), point($2, $1))
                       or service_zips @> array[$3::varchar]))
select *, count(*) over () from near where named or distance_m <= service_radius_m
 order by distance_m, affiliate_id limit 21"""


async def measure(system: System, *, quick: bool) -> list[Table]:
    places = _places(QUICK_AFFILIATES if quick else AFFILIATES)
    database = await system.database("catalog")
    began = time.monotonic()
    await database.execute(AFFILIATE, FIRST, *map(list, zip(*places, strict=True)), timeout=600)
    await database.execute(OFFERS, FIRST, timeout=600)
    await database.execute("vacuum analyze search_affiliates, search_offers", timeout=600)
    made = f"{len(places):,} affiliates, {5 * len(places):,} offers, loaded in {time.monotonic() - began:.0f} s"
    table = Table("Search", f"at the service, 1 in flight, places as affiliates are spread; {made}")
    asked = [place[0] for place in random.Random(4).sample(places, QUICK if quick else REQUESTS)]
    for what, more in KINDS.items():
        run = await _searches(system, asked, more)
        table.line(f"{what}: p50 / p95 ms", f"{run.ms(50):.1f} / {run.ms(95):.1f}", f"answers: {dict(run.statuses)}")
    dense = await _searches(system, [DENSEST] * 40, "")
    table.line(f"in the densest place, {DENSEST}: p50 / p95 ms", f"{dense.ms(50):.1f} / {dense.ms(95):.1f}")
    await _compare(table, database, system, asked)
    return [table]


def _places(many: int) -> list[tuple[str, float, float, int]]:
    """Zip codes drawn by chance: there are more of them where more people live."""
    chance = random.Random(7)
    known = [row for row in zipcodes.list_all() if row["zip_code_type"] == "STANDARD" and float(row["lat"])]
    drawn = chance.choices(known, k=many)
    return [
        (
            row["zip_code"],
            float(row["lat"]) + chance.uniform(-0.02, 0.02),
            float(row["long"]) + chance.uniform(-0.02, 0.02),
            chance.randrange(10_000, 60_000),
        )
        for row in drawn
    ]


async def _searches(system: System, zips: list[str], more: str) -> Run:
    url = system.api("catalog")
    asked = [request("GET", f"/catalog/v1/affiliates?zip={zip}{'' if more == 'next' else more}") for zip in zips]
    await in_flight(url, asked[:20], 1)
    if more != "next":
        return await in_flight(url, asked, 1)
    first = await in_flight(url, asked, 1)
    cursors = [_next(answer.body) for answer in first.answers]
    following = [
        request("GET", f"/catalog/v1/affiliates?zip={zip}&cursor={cursor}")
        for zip, cursor in zip(zips, cursors, strict=True)
        if cursor
    ]
    return await in_flight(url, following, 1)


def _next(body: bytes) -> str:
    _, _, after = body.rpartition(b'"next":')
    found = after.split(b",")[0].strip(b'"}')
    return "" if found == b"null" else found.decode()


async def _compare(table: Table, database: Any, system: System, zips: list[str]) -> None:
    """The same places in the same run: what the service adds to the statement."""
    bare = await database.prepare(PLAIN)
    took = []
    for zip in zips:
        [row] = zipcodes.matching(zip)[:1]
        began = time.perf_counter()
        await bare.fetch(float(row["lat"]), float(row["long"]), zip)
        took.append(time.perf_counter() - began)
    run = await _searches(system, zips, "")
    table.line("plain SQL for the place alone: p50 / p95 ms", f"{percentile(took, 50) * 1000:.1f} / "
               f"{percentile(took, 95) * 1000:.1f}", "asyncpg, prepared, no facets and no services")  # fmt: skip
    table.line("  the service takes so many times that", f"{run.ms(50) / percentile(took, 50) / 1000:.1f}", "by p50")
