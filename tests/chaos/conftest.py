from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from ..running import RunningSystem, Shop


@pytest_asyncio.fixture(scope="session")
async def http(system: RunningSystem) -> AsyncIterator[httpx.AsyncClient]:
    async with system.http() as http:
        yield http


@pytest_asyncio.fixture(scope="session")
async def shop(system: RunningSystem, http: httpx.AsyncClient) -> Shop:
    return await system.shop(http)
