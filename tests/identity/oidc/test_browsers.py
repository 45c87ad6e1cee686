"""The way to a provider and back, as browsers go it."""

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User
from services.identity.domain.oidc import Authorization
from services.identity.domain.session import digest
from shared.clock import now

from ..conftest import EMAIL, PASSWORD, LogIn, Register, bearer, problem_of
from ..openid import CLIENT_ID, HERE, Between, parameters
from .browser import PATH, count, sign_in_and_return


async def test_what_is_asked_of_the_provider(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    answer = await client.post(f"{PATH}/told/authorizations", json={"device": "my phone"})
    asked = parameters(answer.json()["authorization_url"])
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", CLIENT_ID)
    assert asked["scope"] == "openid email profile"
    assert asked["redirect_uri"] == f"{HERE}/identity/v1/oidc/told/callback"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.split("; ")[1:] == ["HttpOnly", "Max-Age=600", "Path=/identity/v1/oidc", "SameSite=lax"]
    stored = await session.scalar(select(Authorization))
    assert stored is not None
    assert stored.state_hash == digest(asked["state"])
    assert asked["state"].encode() not in stored.state_hash + stored.browser_hash


async def test_a_browser_is_sent_back_to_its_page_with_its_tokens_in_cookies(
    client: httpx.AsyncClient, between: Between
) -> None:
    answer = await sign_in_and_return(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "refresh_token" not in answer.json()
    assert (await client.get("/identity/v1/me")).json()["email"] == EMAIL


async def test_a_page_is_told_why_a_sign_in_came_to_nothing(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    answer = await sign_in_and_return(client, "perhaps-ada", "/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1&error=address-not-proven")
    between.twists["/token"] = lambda _told: httpx.Response(500)
    answer = await sign_in_and_return(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?error=provider-away")
    assert await count(session, User) == 0


async def test_a_page_asks_for_the_second_factor(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, register: Register, log_in: LogIn
) -> None:
    await register()
    headers = bearer(await log_in())
    await client.post("/identity/v1/second-factor", json={"password": PASSWORD}, headers=headers)
    await session.execute(update(User).values(second_factor_at=now()))
    answer = await sign_in_and_return(client)
    page, _, challenge = answer.headers["location"].partition("#second_factor=")
    assert (answer.status_code, page, len(challenge)) == (303, "/account", 43)
    assert not [cookie for cookie in answer.headers.get_list("set-cookie") if "access" in cookie]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example.com",
        "/\\evil.example.com",
        "https://evil.example.com",
        "evil",
        "",
        "/a b",
        "/a#b",
        "/a\r\nX: y",
        "/é",
    ],
)
async def test_nobody_is_sent_to_another_site(client: httpx.AsyncClient, between: Between, elsewhere: str) -> None:
    answer = await client.post(f"{PATH}/told/authorizations", json={"return_to": elsewhere})
    assert problem_of(answer) == (422, "invalid-request")


async def test_where_one_can_sign_in_is_listed(client: httpx.AsyncClient, between: Between) -> None:
    answer = await client.get(f"{PATH}/providers")
    assert answer.json()["items"][0] == {"name": "told", "label": "Told"}
    nobody = await client.post(f"{PATH}/nobody/authorizations", json={})
    assert problem_of(nobody) == (404, "no-such-provider")
