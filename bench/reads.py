"""Two pages that everybody asks for: one's own account, and who comes to a zip code."""

from collections.abc import Sequence
from secrets import token_hex

from shared.auth import Actor, Role

from .data import PLACE, ZIP
from .load import IN_FLIGHT, in_flight, request
from .system import System
from .table import Table, split

REQUESTS, QUICK = 3_000, 300
WITHIN = 10.0  # seconds
AFFILIATES = 200
NEAR = """
with made as (
    insert into affiliates (owner_user_id, name, slug, email, city, state, zip, latitude, longitude, timezone,
        service_radius_m, application_status)
    select 900000 + n, 'Affiliate ' || n, 'bench-' || n, 'a' || n || '@example.com', 'New York', 'NY', $2,
           $3 + n % 20 * 0.01, $4 + n / 20 * 0.01, 'America/New_York', 40000, 'approved'
      from generate_series(1, $1::int) as n returning id),
offered as (
    insert into services (affiliate_id, category, name, description)
    select id, 'interior', 'Cabin clean', 'Seats, carpets, glass.' from made returning id)
insert into service_tiers (service_id, name, price_cents, duration_minutes, position)
select id, 'Tier ' || n, 4900 + 1000 * n, 60 * n, n from offered, generate_series(1, 3) as n"""

FOUND = """
insert into search_affiliates (affiliate_id, version, listed, name, slug, city, state, zip, timezone, latitude,
    longitude, service_radius_m, south, north, west, east, rules, categories, lowest_cents, prices)
select id, version, true, name, slug, city, state, zip, timezone, latitude, longitude, service_radius_m,
       latitude - 0.4, latitude + 0.4, longitude - 0.5, longitude + 0.5, '{}', array['interior'], 5900,
       array_fill(5900, array[11])
  from affiliates where slug like 'bench-%' on conflict do nothing;
insert into search_offers (service_id, affiliate_id, version, listed, category, name, tiers, lowest_cents, prices)
select s.id, s.affiliate_id, 1, true, s.category, s.name, '[]', 5900, array_fill(5900, array[11])
  from services s join affiliates a on a.id = s.affiliate_id where a.slug like 'bench-%' on conflict do nothing"""

SOMEBODY = """
insert into users (email, password_hash, role, full_name, locale, timezone)
values ($1, '', 'affiliate', 'Bench', 'en-US', 'UTC') returning id"""


async def measure(system: System, *, quick: bool) -> list[Table]:
    database = await system.database("catalog")
    await database.execute(NEAR, AFFILIATES, ZIP, *PLACE)
    await database.execute(FOUND)
    await database.execute("analyze")
    me = request("GET", "/identity/v1/me", system.token(await _somebody(system)))
    search = request("GET", f"/catalog/v1/affiliates?zip={ZIP}")
    n = QUICK if quick else REQUESTS
    table = Table("Reads", f"{IN_FLIGHT} in flight through the gateway; {AFFILIATES} affiliates near, 20 on a page")
    await _page(system, table, "GET /identity/v1/me", [me] * n, "identity")
    await _page(system, table, "GET /catalog/v1/affiliates?zip=", [search] * n, "catalog")
    return [table]


async def _somebody(system: System) -> Actor:
    database = await system.database("identity")
    user_id = await database.fetchval(SOMEBODY, f"bench-{token_hex(4)}@example.com")
    return Actor(user_id=user_id, roles=frozenset({Role.CUSTOMER}))


async def _page(system: System, table: Table, what: str, requests: Sequence[bytes], service: str) -> None:
    await in_flight(system.gateway, requests[:50])
    with system.meter.measuring() as spent:
        run = await in_flight(system.gateway, requests, within=WITHIN)
    good, programs = run.only(200), ("gateway", f"{service}-api", f"postgres mdh_{service}")
    used = {name: spent[name] for name in programs}
    table.line(f"{what}: per second", f"{good.per_second:.0f}", f"answers: {dict(run.statuses)}")
    table.line("  p50 / p99 ms", f"{good.ms(50):.1f} / {good.ms(99):.1f}")
    table.line("  CPU ms each", f"{sum(used.values()) / len(run.answers):.2f}", split(used, len(run.answers)))
