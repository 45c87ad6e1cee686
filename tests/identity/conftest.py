"""People with accounts, made over HTTP as in life."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from shared.auth import Actor, actor_of
from shared.testing.plugin import Headers
from shared.testing.tokens import Signer

PASSWORD = "olive-Gantry-58-sill"
EMAIL = "ada@example.com"

Answer = Awaitable[httpx.Response]
Register = Callable[..., Answer]
LogIn = Callable[..., Answer]
Refresh = Callable[[str], Answer]


@pytest.fixture(scope="session")
def service() -> str:
    return "identity"


@pytest.fixture(scope="session")
def extra_settings(run_directory: Path, signer: Signer) -> dict[str, Any]:
    """Identity signs with the run's key, so that the tokens of `as_` are its own."""
    return {"signing_keys_dir": signer.write_private_key(run_directory / "signing-keys"), "limits_times": 1000}


def registration(**changes: Any) -> dict[str, Any]:
    return {"account": "customer", "email": EMAIL, "password": PASSWORD, "full_name": "Ada Marsh"} | changes


@pytest.fixture
def register(client: httpx.AsyncClient) -> Register:
    return lambda **changes: client.post("/identity/v1/register", json=registration(**changes))


@pytest.fixture
def log_in(client: httpx.AsyncClient) -> LogIn:
    def log_in(email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Answer:
        return client.post("/identity/v1/login", json={"email": email, "password": password, **more})

    return log_in


@pytest.fixture
def refresh(client: httpx.AsyncClient) -> Refresh:
    return lambda token: client.post("/identity/v1/refresh", json={"refresh_token": token})


def bearer(tokens: httpx.Response) -> Headers:
    return {"Authorization": f"Bearer {tokens.json()['access_token']}"}


def actor_in(tokens: httpx.Response) -> Actor:
    """Whom an access token speaks for; its signature is verified elsewhere."""
    return actor_of(jwt.decode(tokens.json()["access_token"], options={"verify_signature": False}))


def problem_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"].removeprefix("/problems/")
