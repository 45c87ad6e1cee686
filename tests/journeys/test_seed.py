"""Demo data, as `make up` puts them into a fresh system."""

import asyncio

import httpx
from sqlalchemy import text

from deploy.local.demo import customers
from deploy.local.demo.people import Person
from deploy.local.environment import service_environment
from deploy.local.seed import CUSTOMER_EMAIL, SHOPS, seed
from deploy.local.servers import servers_of
from deploy.local.state import State
from shared.db import Database

from ..running import RunningSystem


async def test_every_shop_can_be_found_and_booked_and_a_second_time_changes_nothing(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    await asyncio.to_thread(sow, system)
    await system.rest()
    facts = await recorded(system)
    visitor = Person(http, "Customer", CUSTOMER_EMAIL, system.site.admin_password)
    await visitor.log_in()
    for shop in SHOPS:
        found = (await visitor.get("/catalog/v1/affiliates", zip=shop.zip, category="exterior"))["items"]
        [mine] = [affiliate for affiliate in found if affiliate["name"] == shop.name]
        offers = (await visitor.get(f"/catalog/v1/affiliates/{mine['id']}/services"))["items"]
        assert {offer["name"] for offer in offers} == {service["name"] for service in shop.services}
        assert await customers.slots(visitor, offers[0]["tiers"][0]["id"], days=7)
    await asyncio.to_thread(sow, system)
    assert await recorded(system) == facts


def sow(system: RunningSystem) -> None:
    state = State.load(system.home.state)
    identity = service_environment("identity", "api", system.home, state, servers_of(system.home, state))
    seed(system.site.gateway, system.site.mail, identity, system.site.admin_password)


async def recorded(system: RunningSystem) -> list[int]:
    """How many facts each service has ever written down."""
    return [await _count(url) for url in system.site.databases.values()]


async def _count(url: str) -> int:
    database = Database(url, pool_size=1, application_name="tests")
    try:
        async with database.read() as session:
            return await session.scalar(text("select count(*) from business_events")) or 0
    finally:
        await database.close()
