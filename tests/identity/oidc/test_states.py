"""A sign-in that was begun is completed once, by the browser that began it, with the answer that is its own."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User
from services.identity.domain.oidc import LIFE
from shared.clock import frozen, now
from shared.db import Database

from ..conftest import problem_of
from ..openid import Between, parameters, walk
from .browser import another_browser, begin, come_back, count, listen_in


async def test_a_state_is_good_once(make_app: Callable[[Database], FastAPI], fresh_database: Database) -> None:
    app = make_app(fresh_database)
    between = await listen_in(app)
    async with another_browser(app) as client:
        url = await come_back(client)
        answers = await asyncio.gather(*(client.get(url) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
        assert problem_of(await client.get(url)) == (400, "sign-in-lost")
        assert len([one for one in between.asked if one.url.path == "/token"]) == 1
    await app.state.providers.aclose()


async def test_a_state_is_used_up_even_if_it_came_to_nothing(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> None:
    app = make_app(fresh_database)
    between = await listen_in(app)
    async with another_browser(app) as client:
        url = await come_back(client)
        between.twists["/token"] = lambda _told: httpx.Response(500)
        assert problem_of(await client.get(url)) == (503, "provider-away")
        between.twists.clear()
        assert problem_of(await client.get(url)) == (400, "sign-in-lost")
    await app.state.providers.aclose()


async def test_another_browser_completes_nothing_and_spoils_nothing(
    client: httpx.AsyncClient, between: Between, app: FastAPI
) -> None:
    url = await come_back(client)
    async with another_browser(app) as eve:
        assert problem_of(await eve.get(url)) == (400, "sign-in-lost")
        await begin(eve)
        assert problem_of(await eve.get(url)) == (400, "sign-in-lost")
    assert not [request for request in between.asked if request.url.path == "/token"]
    assert (await client.get(url)).status_code == 200


async def test_a_second_click_does_not_spoil_the_first(client: httpx.AsyncClient, between: Between) -> None:
    first = await begin(client)
    second = await begin(client)
    assert parameters(first)["nonce"] != parameters(second)["nonce"]
    assert (await client.get(await walk(first, "ada"))).status_code == 200
    assert (await client.get(await walk(second, "ada"))).status_code == 200


async def test_a_state_of_nobody_or_of_another_provider_is_lost(client: httpx.AsyncClient, between: Between) -> None:
    url = await come_back(client)
    stranger = url.replace(parameters(url)["state"], "x" * 43)
    assert problem_of(await client.get(stranger)) == (400, "sign-in-lost")
    assert problem_of(await client.get(url.replace("/told/", "/signed/"))) == (400, "sign-in-lost")


async def test_ten_minutes_later_it_is_too_late(client: httpx.AsyncClient, between: Between) -> None:
    url = await come_back(client)
    with frozen(now() + LIFE):
        assert problem_of(await client.get(url)) == (400, "sign-in-lost")


async def test_whoever_declines_is_told_so(client: httpx.AsyncClient, between: Between) -> None:
    url = await come_back(client, account=None)
    assert parameters(url)["error"] == "access_denied"
    assert problem_of(await client.get(url)) == (403, "sign-in-denied")


@pytest.mark.parametrize("iss", ["", "https://evil.example.com"])
async def test_an_answer_of_another_issuer_is_not_mixed_up_with_this_ones(
    client: httpx.AsyncClient, between: Between, iss: str
) -> None:
    """RFC 9207: this provider says that it names itself, so an answer that names nobody is not its own."""
    url = httpx.URL(await come_back(client))
    assert url.params["iss"]
    other = url.copy_set_param("iss", iss) if iss else url.copy_remove_param("iss")
    assert problem_of(await client.get(other)) == (400, "sign-in-lost")
    assert not [request for request in between.asked if request.url.path == "/token"]


async def test_a_code_is_good_once(client: httpx.AsyncClient, between: Between) -> None:
    """At the provider; and not even that for another sign-in of the same browser."""
    url = await come_back(client)
    assert (await client.get(url)).status_code == 200
    again = httpx.URL(await begin(client)).params["state"]
    assert problem_of(await client.get(httpx.URL(url).copy_set_param("state", again))) == (400, "sign-in-lost")


async def test_a_code_of_another_sign_in_fails_at_pkce(
    client: httpx.AsyncClient, between: Between, app: FastAPI, session: AsyncSession
) -> None:
    """Eve's code, put into the answer to Ada's request: the provider compares the verifier."""
    async with another_browser(app) as eve:
        code = parameters(await come_back(eve))["code"]
    url = httpx.URL(await come_back(client)).copy_set_param("code", code)
    assert problem_of(await client.get(url)) == (400, "sign-in-lost")
    assert await count(session, User) == 0
