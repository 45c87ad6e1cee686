"""Tokens that are refused before their time, at a service that is not identity."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import ApiKeyRevoked, MemberRemoved, UserSuspended
from shared.db import Database
from shared.revocation import Revocations, TokenCutoff
from shared.testing.plugin import Deliver, Headers

SESSION = UUID("0197a000-0000-7000-8000-000000000001")
StatusOf = Callable[[Actor], Awaitable[int]]
Statements = Callable[[], AbstractContextManager[list[str]]]
LIST = "/booking/v1/bookings"


@pytest.fixture(scope="session")
def service() -> str:
    return "booking"


def removed(at: datetime, session: UUID | None = None, user_id: int = 5) -> MemberRemoved:
    return MemberRemoved(
        affiliate_user_id=1, version=2, affiliate_id=7, user_id=user_id, role="manager", tokens_end_at=at,
        session=session,
    )  # fmt: skip


def suspended(at: datetime) -> UserSuspended:
    return UserSuspended(
        user_id=5, version=2, email="ada@example.com", full_name="Ada", locale="en-US", timezone="UTC", reason="Abuse",
        tokens_end_at=at,
    )  # fmt: skip


@pytest.fixture
def status_of(client: httpx.AsyncClient, app: FastAPI, as_: Callable[[Actor], Headers]) -> StatusOf:
    async def status(actor: Actor) -> int:
        headers = as_(actor)
        await app.state.revocations.refresh()
        return (await client.get(LIST, headers=headers)).status_code

    return status


async def test_a_token_from_before_is_refused_and_one_from_after_is_good(
    status_of: StatusOf, deliver: Deliver, client: httpx.AsyncClient, as_: Callable[[Actor], Headers]
) -> None:
    before = as_(Actor(user_id=5))
    await deliver(removed(now()))
    assert await status_of(Actor(user_id=5)) == 200  # issued after it
    assert (await client.get(LIST, headers=before)).status_code == 401


@pytest.mark.parametrize(
    ("actor", "status"),
    [
        (Actor(user_id=5), 401),
        (Actor(user_id=5, session=str(SESSION)), 401),
        (Actor(user_id=6, impersonator=5), 401),
        (Actor(user_id=6), 200),
    ],
)
async def test_all_tokens_of_the_user_end_those_of_others_do_not(
    status_of: StatusOf, deliver: Deliver, actor: Actor, status: int
) -> None:
    await deliver(removed(now() + timedelta(minutes=1)))
    assert await status_of(actor) == status


@pytest.mark.parametrize(("session", "status"), [(str(SESSION), 401), (str(UUID(int=7)), 200), (None, 200)])
async def test_one_session_can_end_alone(
    status_of: StatusOf, deliver: Deliver, session: str | None, status: int
) -> None:
    await deliver(removed(now() + timedelta(minutes=1), SESSION))
    assert await status_of(Actor(user_id=5, session=session)) == status


async def test_a_suspension_ends_every_token_of_the_user(
    status_of: StatusOf, deliver: Deliver, client: httpx.AsyncClient, as_: Callable[[Actor], Headers]
) -> None:
    for_support = as_(Actor(user_id=6, customer_id=1, impersonator=5))
    before, other = as_(Actor(user_id=5)), as_(Actor(user_id=7))
    await deliver(suspended(now()))
    assert await status_of(Actor(user_id=7)) == 200
    found = [(await client.get(LIST, headers=headers)).status_code for headers in (before, for_support, other)]
    assert found == [401, 401, 200]


@pytest.mark.parametrize(
    ("actor", "status"),
    [(Actor(user_id=5, api_key=3), 401), (Actor(user_id=5, api_key=4), 200), (Actor(user_id=5), 200)],
)
async def test_a_revoked_key_takes_its_own_tokens_with_it(
    status_of: StatusOf, deliver: Deliver, actor: Actor, status: int
) -> None:
    revoked = ApiKeyRevoked(
        api_key_id=3, version=2, user_id=5, name="Till", prefix="abcdefgh", scopes=["booking:read"], api_key=3,
        expires_at=now(), tokens_end_at=now() + timedelta(minutes=1),
    )  # fmt: skip
    await deliver(revoked)
    assert await status_of(actor) == status


async def test_late_and_repeated_news_change_nothing(deliver: Deliver, session: AsyncSession) -> None:
    at = now()
    for told in (at, at - timedelta(hours=1), at):
        await deliver(removed(told))
    assert await session.scalar(select(func.count()).select_from(TokenCutoff)) == 1
    assert await session.scalar(select(TokenCutoff.ends_before)) == at


async def test_looking_costs_no_statement(
    client: httpx.AsyncClient, as_: Callable[[Actor], Headers], statements: Statements, database: Database
) -> None:
    await client.get(LIST, headers=as_(Actor(user_id=5)))
    with statements() as sent:
        await client.get(LIST, headers=as_(Actor(user_id=5)))
    assert len(sent) == 1


async def test_a_process_that_has_not_read_them_yet_lets_nobody_in(
    client: httpx.AsyncClient, app: FastAPI, as_: Callable[[Actor], Headers], database: Database
) -> None:
    app.state.revocations = Revocations(database)
    app.state.revocations._loaded = False
    assert (await client.get(LIST, headers=as_(Actor(user_id=5)))).status_code == 503
