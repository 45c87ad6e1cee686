"""A real OpenID provider, a certified implementation run as a process on this machine, and identity set up for it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from services.identity.settings import OpenIdProvider
from shared.testing.tokens import Signer

from ..openid import HERE, Between, OpenIdServer, openid_server
from .browser import listen_in


@pytest.fixture(scope="session")
def openid() -> Iterator[OpenIdServer]:
    with openid_server() as server:
        yield server


@pytest.fixture(scope="session")
def extra_settings(run_directory: Path, signer: Signer, openid: OpenIdServer) -> dict[str, Any]:
    return {
        "signing_keys_dir": signer.write_private_key(run_directory / "signing-keys"),
        "limits_times": 1000,
        "public_url": HERE,
        "oidc_providers": [OpenIdProvider.model_validate(provider) for provider in openid.settings()],
    }


@pytest.fixture
async def between(app: FastAPI) -> AsyncIterator[Between]:
    """On the line to the providers."""
    between = await listen_in(app)
    yield between
    await app.state.providers.aclose()
