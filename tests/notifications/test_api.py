"""What people see of it: their own notices, read and unread, and the log of e-mails."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.domain.message import Communication, Notification
from shared.auth import Actor
from shared.contracts.booking import BookingConfirmed
from shared.testing.plugin import Deliver, Headers
from shared.testing.tokens import ADMIN, SUPPORT, customer, member
from tests.notifications.conftest import (
    AFFILIATE,
    CUSTOMER,
    CUSTOMER_USER,
    OWNER_USER,
    affiliate,
    booking,
    owner,
    person,
)

NOTIFICATIONS, COMMUNICATIONS = "/notifications/v1/notifications", "/notifications/v1/communications"
ADA, STRANGER, OWNER = customer(CUSTOMER), customer(8), member(AFFILIATE, user_id=OWNER_USER)

As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest_asyncio.fixture(autouse=True)
async def three_appointments(deliver: Deliver) -> None:
    """Of Ada's with Owen: three notices for each of them, and one of its approval for Owen."""
    for event in (person(), owner(), affiliate()):
        await deliver(event)
    for id in (1, 2, 3):
        await deliver(booking(BookingConfirmed, 2, "confirmed", booking_id=id))


async def seen(client: httpx.AsyncClient, headers: Headers, **params: Any) -> dict[str, Any]:
    response = await client.get(NOTIFICATIONS, params=params, headers=headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_people_see_their_own_notices_newest_first(client: httpx.AsyncClient, as_: As) -> None:
    mine = await seen(client, as_(ADA))
    assert [one["data"]["booking_id"] for one in mine["items"]] == [3, 2, 1]
    assert {one["type"] for one in mine["items"]} == {"booking_confirmed"}
    assert (mine["unread"], mine["next"]) == (3, None)
    assert [one["type"] for one in (await seen(client, as_(OWNER)))["items"]][-1] == "affiliate_approved"
    assert await seen(client, as_(STRANGER)) == {"items": [], "next": None, "unread": 0}


async def test_pages_follow_one_another_without_gap_or_repetition(client: httpx.AsyncClient, as_: As) -> None:
    found: list[int] = []
    page: dict[str, Any] = {"next": None}
    for _ in range(3):
        page = await seen(client, as_(ADA), limit=1, **({"cursor": page["next"]} if page["next"] else {}))
        found += [one["data"]["booking_id"] for one in page["items"]]
    assert (found, page["next"]) == ([3, 2, 1], None)


async def test_reading_one_leaves_the_others_unread(client: httpx.AsyncClient, as_: As) -> None:
    first = (await seen(client, as_(ADA)))["items"][0]
    for _ in range(2):
        response = await client.post(f"{NOTIFICATIONS}/{first['id']}/read", headers=as_(ADA))
        assert response.status_code == 200
        assert response.json() == first | {"is_read": True}
    rest = await seen(client, as_(ADA), unread="true")
    assert [one["data"]["booking_id"] for one in rest["items"]] == [2, 1]
    assert rest["unread"] == 2


async def test_reading_all_reads_only_ones_own(client: httpx.AsyncClient, as_: As) -> None:
    for marked in (3, 0):
        response = await client.post(f"{NOTIFICATIONS}/read-all", headers=as_(ADA))
        assert response.json() == {"marked_read": marked}
    assert (await seen(client, as_(ADA)))["unread"] == 0
    assert (await seen(client, as_(OWNER)))["unread"] == 4


async def test_the_same_key_gets_the_same_answer(client: httpx.AsyncClient, as_: As) -> None:
    headers = as_(ADA) | {"Idempotency-Key": "once"}
    first, second = [await client.post(f"{NOTIFICATIONS}/read-all", headers=headers) for _ in range(2)]
    assert first.content == second.content == b'{"marked_read":3}'
    assert second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("actor", [STRANGER, OWNER, ADMIN, SUPPORT], ids=["stranger", "owner", "admin", "support"])
async def test_what_is_not_ones_own_cannot_be_read_away(
    actor: Actor, client: httpx.AsyncClient, as_: As, session: AsyncSession
) -> None:
    id = await session.scalar(select(Notification.id).where(Notification.user_id == CUSTOMER_USER).limit(1))
    response = await client.post(f"{NOTIFICATIONS}/{id}/read", headers=as_(actor))
    assert (response.status_code, response.json()["type"]) == (404, "/problems/no-such-notification")
    assert not await session.scalar(text("select count(*) from notifications where is_read"))


async def test_people_see_the_log_of_their_own_mail_and_staff_all(client: httpx.AsyncClient, as_: As) -> None:
    counts = {}
    for name, actor in {"ada": ADA, "owen": OWNER, "stranger": STRANGER, "admin": ADMIN, "support": SUPPORT}.items():
        response = await client.get(COMMUNICATIONS, headers=as_(actor))
        assert response.status_code == 200
        counts[name] = len(response.json()["items"])
        said = {bool(one["content"]) for one in response.json()["items"]}
        assert said == (set() if name == "stranger" else {name in ("ada", "owen")})  # staff do not read others' mail
    assert counts == {"ada": 3, "owen": 4, "stranger": 0, "admin": 7, "support": 7}


async def test_why_a_mail_was_refused_is_for_staff(client: httpx.AsyncClient, as_: As, session: AsyncSession) -> None:
    await session.execute(update(Communication).values(status="failed", error="550 relay 10.0.0.7 says no"))
    for actor, shown in ((ADA, None), (ADMIN, "550 relay 10.0.0.7 says no")):
        response = await client.get(COMMUNICATIONS, params={"status": "failed"}, headers=as_(actor))
        assert {one["error"] for one in response.json()["items"]} == {shown}


async def test_lists_take_a_fixed_number_of_statements(
    client: httpx.AsyncClient, as_: As, statements: Statements
) -> None:
    for path, expected in ((NOTIFICATIONS, 2), (COMMUNICATIONS, 1)):
        with statements() as sent:
            await client.get(path, headers=as_(ADA))
        assert len(sent) == expected, sent


@pytest.mark.parametrize("path", [NOTIFICATIONS, COMMUNICATIONS])
@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=0", "limit=1000000000", "limit=1.0", "limit=true", "cursor=%00", "cursor=AAAA",
     "cursor=" + "A" * 400, "unread=maybe&status=maybe"],
)  # fmt: skip
async def test_bad_questions_get_a_problem(path: str, query: str, client: httpx.AsyncClient, as_: As) -> None:
    response = await client.get(f"{path}?{query}", headers=as_(ADA))
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("id", ["0", "-1", "9223372036854775808", "9" * 5000, "1.0", "true", "%00", "1e3", "abc"])
async def test_absurd_ids_get_a_problem_and_change_nothing(
    id: str, client: httpx.AsyncClient, as_: As, session: AsyncSession
) -> None:
    response = await client.post(f"{NOTIFICATIONS}/{id}/read", headers=as_(ADA))
    assert response.status_code in (404, 422)
    assert not await session.scalar(text("select count(*) from notifications where is_read"))


async def test_an_id_that_was_never_given_is_not_found(client: httpx.AsyncClient, as_: As) -> None:
    response = await client.post(f"{NOTIFICATIONS}/9223372036854775807/read", headers=as_(ADA))
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", NOTIFICATIONS), ("GET", COMMUNICATIONS), ("POST", f"{NOTIFICATIONS}/read-all"),
     ("POST", f"{NOTIFICATIONS}/1/read")],
)  # fmt: skip
async def test_strangers_without_a_token_get_nothing(method: str, path: str, client: httpx.AsyncClient) -> None:
    assert (await client.request(method, path)).status_code == 401
