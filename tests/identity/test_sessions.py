"""Refresh tokens: rotation, lost answers, theft."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User, UserStatus
from services.identity.domain.session import RefreshToken, digest
from services.identity.jobs import forget_old_sessions
from shared.clock import frozen, now
from shared.db import Database

from .conftest import EMAIL, PASSWORD, LogIn, Refresh, Register, bearer, problem_of, registered

Statements = Callable[[], AbstractContextManager[list[str]]]
ENDED = (401, "session-ended")


def later(**time: float) -> Any:
    return frozen(now() + timedelta(**time))


@pytest.fixture
async def first(register: Register, log_in: LogIn) -> str:
    await register()
    return str((await log_in()).json()["refresh_token"])


async def next_of(refresh: Refresh, token: str) -> str:
    answer = await refresh(token)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


async def test_a_refresh_token_is_good_once_and_brings_the_next_pair(
    first: str, refresh: Refresh, client: httpx.AsyncClient
) -> None:
    answer = await refresh(first)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["refresh_token"] != first
    assert (await client.get("/identity/v1/me", headers=bearer(answer))).status_code == 200
    assert (await refresh(answer.json()["refresh_token"])).status_code == 200


async def test_tokens_are_256_bits_and_only_their_hashes_are_kept(
    first: str, refresh: Refresh, session: AsyncSession
) -> None:
    second = await next_of(refresh, first)
    assert len(first) == len(second) == 43
    rows = (await session.scalars(select(RefreshToken).order_by(RefreshToken.id))).all()
    assert [row.token_hash for row in rows] == [digest(first), digest(second)]
    kept = "".join(str(value) for row in rows for value in vars(row).values())
    assert first not in kept
    assert second not in kept


async def test_a_lost_answer_can_be_asked_for_again_and_is_the_same_token(first: str, refresh: Refresh) -> None:
    second = await next_of(refresh, first)
    with later(seconds=9):
        assert await next_of(refresh, first) == second
        assert (await refresh(second)).status_code == 200


async def test_after_ten_seconds_a_used_token_ends_the_session(first: str, refresh: Refresh) -> None:
    second = await next_of(refresh, first)
    with later(seconds=11):
        assert problem_of(await refresh(first)) == ENDED
        assert problem_of(await refresh(second)) == ENDED


async def test_only_the_immediately_previous_token_has_grace(first: str, refresh: Refresh) -> None:
    second = await next_of(refresh, first)
    third = await next_of(refresh, second)
    assert problem_of(await refresh(first)) == ENDED  # within 10 s, yet its successor was used already
    for token in (second, third):
        assert problem_of(await refresh(token)) == ENDED


async def test_a_thief_who_is_quicker_is_found_out_when_the_owner_comes(first: str, refresh: Refresh) -> None:
    stolen = await next_of(refresh, first)
    with later(minutes=5):
        thiefs = await next_of(refresh, stolen)
        with later(minutes=6):
            assert problem_of(await refresh(stolen)) == ENDED
            assert problem_of(await refresh(thiefs)) == ENDED


async def test_what_ends_one_session_leaves_the_others(first: str, log_in: LogIn, refresh: Refresh) -> None:
    other = (await log_in()).json()["refresh_token"]
    await next_of(refresh, first)
    with later(seconds=11):
        assert problem_of(await refresh(first)) == ENDED
        assert (await refresh(other)).status_code == 200


async def test_idle_for_fourteen_days_it_ends(first: str, refresh: Refresh) -> None:
    with later(days=14, seconds=1):
        assert problem_of(await refresh(first)) == ENDED
    with later(days=13, hours=23):
        assert (await refresh(first)).status_code == 200


async def test_after_sixty_days_it_ends_however_busy(first: str, refresh: Refresh) -> None:
    token = first
    for day in range(10, 60, 10):
        with later(days=day):
            token = await next_of(refresh, token)
    with later(days=60, seconds=1):
        assert problem_of(await refresh(token)) == ENDED


async def test_a_used_token_that_has_expired_still_gives_a_theft_away(first: str, refresh: Refresh) -> None:
    with later(days=10):
        second = await next_of(refresh, first)
    with later(days=20):
        assert problem_of(await refresh(first)) == ENDED
        assert problem_of(await refresh(second)) == ENDED


async def test_logging_out_ends_the_session_and_may_be_repeated(
    first: str, refresh: Refresh, client: httpx.AsyncClient
) -> None:
    second = await next_of(refresh, first)
    for token in (second, second, "A" * 43):
        answer = await client.post("/identity/v1/logout", json={"refresh_token": token})
        assert (answer.status_code, answer.content) == (204, b"")
    for token in (first, second):
        assert problem_of(await refresh(token)) == ENDED


@pytest.mark.parametrize("change", [{"status": UserStatus.SUSPENDED}, {"deleted_at": func.now()}])
async def test_who_is_suspended_or_gone_gets_no_new_token(
    first: str, refresh: Refresh, session: AsyncSession, change: dict[str, Any]
) -> None:
    await session.execute(update(User).values(**change))
    assert (await refresh(first)).status_code in (401, 403)
    await session.execute(update(User).values(status=UserStatus.ACTIVE, deleted_at=None))
    assert (await refresh(first)).status_code == 200


@pytest.mark.parametrize("token", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "\x00", "A" * 42 + "é", 7, None])
@pytest.mark.parametrize("path", ["refresh", "logout"])
async def test_what_cannot_be_a_token_is_refused(client: httpx.AsyncClient, path: str, token: Any) -> None:
    answer = await client.post(f"/identity/v1/{path}", json={"refresh_token": token})
    assert problem_of(answer) == (422, "invalid-request")


async def test_an_access_token_is_no_refresh_token(register: Register, log_in: LogIn, refresh: Refresh) -> None:
    await register()
    assert (await refresh((await log_in()).json()["access_token"])).status_code == 422
    assert problem_of(await refresh("A" * 43)) == ENDED


async def test_a_refresh_takes_three_statements_and_a_repeated_one_two(
    first: str, refresh: Refresh, statements: Statements
) -> None:
    for count in (3, 2):
        with statements() as sent:
            assert (await refresh(first)).status_code == 200
        assert len(sent) == count


async def waiting_for_locks(database: Database, count: int) -> None:
    """Returns when that many of this database's connections wait for a lock."""
    waiting = text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    async with database.read() as session:
        while (await session.scalar(waiting) or 0) < count:
            pass


async def test_one_token_sent_many_times_at_once_has_one_successor(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    await registered(fresh_client, fresh_database)
    opened = await fresh_client.post("/identity/v1/login", json={"email": EMAIL, "password": PASSWORD})
    token = {"refresh_token": opened.json()["refresh_token"]}
    async with asyncio.TaskGroup() as group, fresh_database.begin() as session:
        await session.execute(select(RefreshToken).with_for_update())  # holds them all at one place
        sent = [group.create_task(fresh_client.post("/identity/v1/refresh", json=token)) for _ in range(10)]
        await waiting_for_locks(fresh_database, len(sent))
    answers = [task.result() for task in sent]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    async with fresh_database.read() as session:
        assert await session.scalar(select(func.count()).select_from(RefreshToken)) == 2


async def test_a_session_that_is_ended_while_it_is_refreshed_stays_ended(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    """The end is written to one token, the successor that is made meanwhile is another: it is dead all the same."""
    await registered(fresh_client, fresh_database)
    opened = await fresh_client.post("/identity/v1/login", json={"email": EMAIL, "password": PASSWORD})
    first = opened.json()
    second = (await fresh_client.post("/identity/v1/refresh", json={"refresh_token": first["refresh_token"]})).json()
    async with asyncio.TaskGroup() as group, fresh_database.begin() as session:
        newest = select(RefreshToken).where(RefreshToken.token_hash == digest(second["refresh_token"]))
        await session.execute(newest.with_for_update())
        again = {"refresh_token": second["refresh_token"]}
        refreshing = group.create_task(fresh_client.post("/identity/v1/refresh", json=again))
        await waiting_for_locks(fresh_database, 1)
        ended = await fresh_client.post("/identity/v1/logout", json={"refresh_token": first["refresh_token"]})
        assert ended.status_code == 204
    third = refreshing.result().json().get("refresh_token", second["refresh_token"])
    answer = await fresh_client.post("/identity/v1/refresh", json={"refresh_token": third})
    assert problem_of(answer) == ENDED


async def test_families_are_forgotten_whole_thirty_days_after_their_end(
    first: str, refresh: Refresh, session: AsyncSession
) -> None:
    second = await next_of(refresh, first)
    with later(days=89):
        await forget_old_sessions(session)
    assert await session.scalar(select(func.count()).select_from(RefreshToken)) == 2
    with later(days=91):
        await forget_old_sessions(session)
        assert problem_of(await refresh(second)) == ENDED
    assert await session.scalar(select(func.count()).select_from(RefreshToken)) == 0
