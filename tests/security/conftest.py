"""Every service meets the same attacks: on a stage of its own, or at one of its doors."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients import Providers
from services.identity.domain.account import User, UserRole
from shared.auth import Actor
from shared.db import Database
from shared.testing.databases import OneTransaction
from shared.testing.plugin import Headers, deliver_to
from shared.testing.tokens import Signer, customer
from tests.identity import conftest as identity_world

from .stages import STAGES, Stage


@dataclass(frozen=True)
class Door:
    """A route of a service that wants a token, and answers 200 to a good one."""

    service: str
    path: str


DOORS = [Door("identity", "/identity/v1/me"), Door("booking", "/booking/v1/bookings")]


@pytest.fixture(scope="session", params=DOORS, ids=lambda door: door.service)
def door(request: pytest.FixtureRequest) -> Door:
    chosen: Door = request.param
    return chosen


@pytest.fixture(scope="session")
def service(door: Door) -> str:
    return door.service


@pytest.fixture(scope="session")
def extra_settings(run_directory: Path, signer: Signer) -> dict[str, Any]:
    """Identity signs with the run's key, payments has keys that no provider knows; the others take no notice."""
    return {
        "signing_keys_dir": signer.write_private_key(run_directory / "signing-keys"),
        "limits_times": 1000,
        "oidc_providers": identity_world.PROVIDERS,
        "stripe_api_key": "sk_test_nobody",
        "stripe_webhook_secret": "whsec_nobody",
        "stripe_publishable_key": "pk_test_nobody",
    }


@pytest.fixture
async def actor(door: Door, session: AsyncSession) -> Actor:
    """Somebody whom the service knows."""
    if door.service != "identity":
        return customer(7)
    user = User(email="ada@example.com", role=UserRole.AFFILIATE, full_name="Ada Marsh", locale="en-US", timezone="UTC")
    session.add(user)
    await session.flush()
    return Actor(user_id=user.id)


@pytest_asyncio.fixture
async def stage(
    service: str,
    run_databases: Callable[[str], Awaitable[Database]],
    make_app: Callable[[Database], FastAPI],
    as_: Callable[[Actor], Headers],
) -> AsyncIterator[Stage]:
    """The service with something in it, in a transaction that is rolled back at the end."""
    shared = await run_databases(service)
    async with shared.engine.connect() as connection:
        outer = await connection.begin()
        database = OneTransaction(shared.url, connection)
        app = make_app(database)
        if service == "identity":
            app.state.providers = Providers(app.state.settings, identity_world.PROVIDER)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            stage = Stage(service, connection, database, client, as_, deliver_to(service, database))
            await STAGES[service](stage)
            yield stage
        for used in app.state.clients:
            if hasattr(used, "aclose"):
                await used.aclose()
        await outer.rollback()
