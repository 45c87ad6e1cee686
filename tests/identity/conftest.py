"""People with accounts, made over HTTP as in life."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from services.identity.domain.account import User
from services.identity.settings import OpenIdProvider
from services.identity.tasks import tasks
from shared.auth import Actor, actor_of
from shared.contracts.identity import EmailVerificationRequested, SecretMailed
from shared.db import Database
from shared.tasks import Outside, Runner
from shared.testing.plugin import Headers, recorded_in
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


async def work(database: Database) -> None:
    """What identity's worker does: everything that was left for after the answer."""
    runner = Runner(tasks, database, Outside(database))
    while await runner.work_one():
        pass


async def secret_mailed(database: Database, kind: type[SecretMailed], email: str = EMAIL) -> str:
    """The newest that was sent to this address."""
    await work(database)
    told = await recorded_in(database, kind)
    mailed = [event.secret for event in told if event.email.lower() == email.lower()]
    assert mailed, f"nothing was sent to {email}"
    return str(mailed[-1])


async def registered(client: httpx.AsyncClient, database: Database, **changes: Any) -> int:
    """Somebody with an account and a verified address; their id."""
    wanted = registration(**changes)
    answer = await client.post("/identity/v1/register", json=wanted)
    assert answer.status_code == 202, answer.text
    token = await secret_mailed(database, EmailVerificationRequested, wanted["email"])
    proof = {"token": token, "password": wanted["password"]}
    verified = await client.post("/identity/v1/email-verifications", json=proof)
    assert verified.status_code == 204, verified.text
    async with database.begin() as session:
        here = func.lower(User.email) == wanted["email"].lower()
        return (await session.scalars(select(User.id).where(here, User.deleted_at.is_(None)))).one()


@pytest.fixture
def register(client: httpx.AsyncClient, database: Database, signer: Signer) -> Register:
    """Opens an account and verifies its address; answers what `GET /me` shows of it then."""

    async def register(**changes: Any) -> httpx.Response:
        token = signer.token(Actor(user_id=await registered(client, database, **changes)))
        return await client.get("/identity/v1/me", headers={"Authorization": f"Bearer {token}"})

    return register


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


ISSUER = "https://accounts.example.com"
PROVIDERS = [OpenIdProvider(name="acme", issuer=ISSUER, client_id="mdh", client_secret=SecretStr("not a secret"))]


def _provider(request: httpx.Request) -> httpx.Response:
    """Enough of a provider to be sent to: it knows no code. A real one is in `openid.py`."""
    if request.url.path == "/.well-known/openid-configuration":
        endpoints = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps({"issuer": ISSUER} | endpoints).encode()))
    return httpx.Response(400, stream=httpx.ByteStream(b'{"error": "invalid_grant"}'))


PROVIDER = httpx.MockTransport(_provider)
