"""Every service that is listed here meets the same attacks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User, UserRole
from shared.auth import Actor
from shared.testing.tokens import Signer, customer


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
    """Identity signs with the run's key; the others take no notice."""
    return {"signing_keys_dir": signer.write_private_key(run_directory / "signing-keys")}


@pytest.fixture
async def actor(door: Door, session: AsyncSession) -> Actor:
    """Somebody whom the service knows."""
    if door.service != "identity":
        return customer(7)
    user = User(email="ada@example.com", role=UserRole.AFFILIATE, full_name="Ada Marsh", locale="en-US", timezone="UTC")
    session.add(user)
    await session.flush()
    return Actor(user_id=user.id)
