"""What a browser does that signs in elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients import Providers
from services.identity.domain.oidc import Secrets

from ..openid import HERE, Between, parameters, walk

PATH = "/identity/v1/oidc"


async def listen_in(app: FastAPI) -> Between:
    await app.state.providers.aclose()
    between = Between()
    app.state.providers = Providers(app.state.settings, between)
    return between


@asynccontextmanager
async def another_browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client


async def begin(client: httpx.AsyncClient, provider: str = "told", **body: Any) -> str:
    answer = await client.post(f"{PATH}/{provider}/authorizations", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["authorization_url"])


async def come_back(client: httpx.AsyncClient, account: str | None = "ada", provider: str = "told") -> str:
    """To the provider and back again, up to our own door."""
    return await walk(await begin(client, provider), account)


async def sign_in(client: httpx.AsyncClient, account: str = "ada", provider: str = "told") -> httpx.Response:
    return await client.get(await come_back(client, account, provider))


def secrets_of(client: httpx.AsyncClient, url: str) -> Secrets:
    return Secrets(client.cookies["mdh_oidc"], parameters(url)["state"])


async def count(session: AsyncSession, table: Any) -> int:
    return await session.scalar(select(func.count()).select_from(table)) or 0


async def sign_in_and_return(client: httpx.AsyncClient, account: str = "ada", to: str = "/account") -> httpx.Response:
    url = await walk(await begin(client, return_to=to), account)
    return await client.get(url, headers={"Sec-Fetch-Site": "cross-site"})
