"""The attacks on refresh tokens: what was stolen, repeated, twisted or taken from elsewhere."""

import string
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from shared.contracts.identity import SessionEnded, SessionReused
from shared.testing.plugin import Deliver, Published

from .conftest import LogIn, Refresh, Register, actor_in, bearer, problem_of
from .test_sessions import ENDED, later, next_of

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.fixture
async def opened(register: Register, log_in: LogIn) -> httpx.Response:
    await register()
    return await log_in(device="Ada's phone")


@pytest.fixture
def first(opened: httpx.Response) -> str:
    return str(opened.json()["refresh_token"])


async def test_reuse_is_told_with_device_and_address_of_who_brought_it_once(
    opened: httpx.Response, first: str, refresh: Refresh, client: httpx.AsyncClient, published: Published
) -> None:
    second = await next_of(refresh, first)
    with later(minutes=5):
        stolen = {"refresh_token": first}
        for _ in range(2):
            await client.post("/identity/v1/refresh", json=stolen, headers={"User-Agent": "thief/1.0"})
        assert problem_of(await refresh(second)) == ENDED
    [told] = await published(SessionReused)
    assert (told.device, told.address) == ("thief/1.0", "127.0.0.1")
    assert (str(told.session), told.user_id) == (actor_in(opened).session, actor_in(opened).user_id)
    assert await published(SessionEnded) == []


async def test_reuse_ends_the_access_tokens_of_thief_and_owner(
    opened: httpx.Response, first: str, refresh: Refresh, client: httpx.AsyncClient, app: FastAPI, deliver: Deliver,
    published: Published, log_in: LogIn,
) -> None:  # fmt: skip
    other = await log_in()
    thiefs = await refresh(first)
    await refresh(thiefs.json()["refresh_token"])
    assert problem_of(await refresh(first)) == ENDED
    [told] = await published(SessionReused)
    await deliver(told)
    await app.state.revocations.refresh()
    for tokens, status in ((opened, 401), (thiefs, 401), (other, 200)):
        assert (await client.get("/identity/v1/me", headers=bearer(tokens))).status_code == status


async def test_a_repeated_request_in_time_is_no_theft(first: str, refresh: Refresh, published: Published) -> None:
    for _ in range(3):
        await next_of(refresh, first)
    assert await published(SessionReused) == []


async def test_a_session_that_was_ended_stays_ended_and_is_no_theft(
    opened: httpx.Response, first: str, refresh: Refresh, client: httpx.AsyncClient, published: Published
) -> None:
    await client.delete(f"/identity/v1/sessions/{actor_in(opened).session}", headers=bearer(opened))
    for _ in range(2):
        assert problem_of(await refresh(first)) == ENDED
    assert await published(SessionReused) == []
    assert len(await published(SessionEnded)) == 1


async def test_a_token_of_somebody_else_is_theirs_whoever_brings_it(
    opened: httpx.Response, first: str, register: Register, log_in: LogIn, client: httpx.AsyncClient, refresh: Refresh
) -> None:
    """A refresh token says itself whose session it is; what else comes with it changes nothing."""
    await register(email="eve@example.com")
    eves = await log_in("eve@example.com")
    body = {"refresh_token": eves.json()["refresh_token"]}
    answer = await client.post("/identity/v1/refresh", json=body, headers=bearer(opened))
    assert actor_in(answer) == actor_in(eves)
    await client.post("/identity/v1/logout", json={"refresh_token": answer.json()["refresh_token"]})
    assert (await refresh(first)).status_code == 200


def respelled(token: str) -> str:
    """The last letter of 256 bits carries two that mean nothing: decoded it would be the same token."""
    return token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ 1]


TWISTED: dict[str, Callable[[str], str]] = {
    "truncated": lambda token: token[:-1],
    "half": lambda token: token[:21],
    "padded": lambda token: token + "=",
    "appended": lambda token: token + "A",
    "twice": lambda token: token + token,
    "in the other alphabet": lambda token: "+/" + token[2:],
    "upside down": lambda token: token[::-1],
    "in capitals": str.upper,
    "swapped in case": str.swapcase,
    "the same bits respelled": respelled,
    "a space before": lambda token: " " + token,
    "a line break after": lambda token: token + "\n",
    "a NUL inside": lambda token: token[:10] + "\x00" + token[11:],
    "a wild card": lambda token: "%" * 43,
    "a letter of another script": lambda token: "\u0410" + token[1:],
}


@pytest.mark.parametrize("twist", TWISTED.values(), ids=TWISTED.keys())
@pytest.mark.parametrize("path", ["refresh", "logout"])
async def test_a_twisted_token_is_none_and_ends_nothing(
    first: str, client: httpx.AsyncClient, refresh: Refresh, path: str, twist: Callable[[str], str]
) -> None:
    answer = await client.post(f"/identity/v1/{path}", json={"refresh_token": twist(first)})
    assert answer.status_code in ({401, 422} if path == "refresh" else {204, 422})
    assert first not in answer.text
    assert (await refresh(first)).status_code == 200


async def test_an_access_token_brings_no_other(opened: httpx.Response, refresh: Refresh) -> None:
    assert problem_of(await refresh(opened.json()["access_token"])) == (422, "invalid-request")


async def test_a_refresh_token_opens_no_door(first: str, client: httpx.AsyncClient) -> None:
    answer = await client.get("/identity/v1/me", headers={"Authorization": f"Bearer {first}"})
    assert problem_of(answer) == (401, "unauthenticated")
