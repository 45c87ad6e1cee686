"""Providers that are away, or answer what they must not; and which ones production takes."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients import LARGEST
from services.identity.domain.account import User
from services.identity.domain.oidc import Authorization
from services.identity.settings import Settings
from shared.settings import Profile, Role

from ..conftest import problem_of
from ..openid import Between
from .browser import PATH, come_back, count

TROUBLE: dict[str, tuple[Any, tuple[int, str]]] = {
    "down": (httpx.ConnectError("refused"), (503, "provider-away")),
    "slow": (httpx.ReadTimeout("slow"), (503, "provider-away")),
    "failing": (httpx.Response(503, text="sorry"), (503, "provider-away")),
    "overrun": (httpx.Response(429), (503, "provider-away")),
    "talking of something else": (httpx.Response(200, text="<html>"), (502, "provider-unsound")),
    "answering a list": ([], (502, "provider-unsound")),
    "answering nothing": ({}, (502, "provider-unsound")),
    "answering without end": (httpx.Response(200, text=" " * LARGEST + "{}"), (503, "provider-away")),
    "sending away": (httpx.Response(302, headers={"Location": "http://169.254.169.254/"}), (502, "provider-unsound")),
    "not knowing us": (httpx.Response(401, json={"error": "invalid_client"}), (502, "provider-unsound")),
}


@pytest.mark.parametrize(("trouble", "told"), TROUBLE.values(), ids=TROUBLE.keys())
async def test_a_provider_in_trouble_is_named_and_nothing_is_written(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, trouble: Any, told: tuple[int, str]
) -> None:
    url = await come_back(client)
    between.twists["/token"] = lambda _told: trouble
    answer = await client.get(url)
    assert problem_of(answer) == told
    assert ("retry-after" in answer.headers) == (told[0] == 503)
    assert await count(session, User) == 0


async def test_nobody_is_sent_to_a_provider_that_is_away(client: httpx.AsyncClient, session: AsyncSession) -> None:
    answer = await client.post(f"{PATH}/away/authorizations", json={})
    assert problem_of(answer) == (503, "provider-away")
    assert await count(session, Authorization) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://127.0.0.1:2"},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": None},
    ],
    ids=["another issuer", "an endpoint without https", "no keys"],
)
async def test_a_discovery_document_that_is_not_this_issuers_is_not_followed(
    client: httpx.AsyncClient, between: Between, change: dict[str, Any]
) -> None:
    between.twists["/.well-known/openid-configuration"] = lambda told: told | change
    answer = await client.post(f"{PATH}/told/authorizations", json={})
    assert problem_of(answer) == (502, "provider-unsound")


@pytest.mark.parametrize(
    "providers",
    [
        [{"issuer": "http://accounts.example.com"}],
        [{"issuer": "https://a.example.com"}, {"issuer": "https://b.example.com"}],
        [{"issuer": "https://a.example.com", "name": "../x"}],
        [{"issuer": "https://a.example.com", "scopes": "email"}],
        [{"issuer": "https://a.example.com", "typo": 1}],
    ],
    ids=["plain http", "two of one name", "no name", "no openid", "unknown"],
)
def test_production_does_not_start_with_such_providers(providers: list[dict[str, Any]]) -> None:
    given = [{"name": "acme", "client_id": "x", "client_secret": "y"} | provider for provider in providers]
    with pytest.raises(ValidationError):
        Settings.model_validate(
            {
                "profile": Profile.PRODUCTION,
                "role": Role.API,
                "database_url": SecretStr("postgresql+asyncpg://x"),
                "oidc_providers": given,
            }
        )
