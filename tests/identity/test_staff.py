"""Accounts of staff, made on the command line."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from services.identity.admin import app
from services.identity.domain.account import User
from shared.auth import Role
from shared.db import Database
from shared.outbox import BusinessEvent

from .conftest import actor_in, registered

PASSWORD = "quarry-Lantern-31-hinge"
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(fresh_database: Database) -> Run:
    """In a thread, because the command runs an event loop of its own."""

    async def run(*arguments: str, password: str = PASSWORD, **environment: str) -> Result:
        told = {"MDH_DATABASE_URL": fresh_database.url, "MDH_STAFF_PASSWORD": ""} | environment
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["create", *arguments], f"{password}\n", told))

    return run


async def users(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(User)) or 0


async def test_an_operator_makes_an_administrator_who_can_log_in(
    run: Run, fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    result = await run("--email", "root@example.com")
    assert (result.exit_code, result.output) == (0, "root@example.com: created\n")
    tokens = await fresh_client.post("/identity/v1/login", json={"email": "root@example.com", "password": PASSWORD})
    actor = actor_in(tokens)
    assert (actor.roles, actor.customer_id, actor.is_admin) == (frozenset({Role.ADMIN}), None, True)
    async with fresh_database.read() as session:
        event = await session.scalar(select(BusinessEvent))
    assert event is not None
    assert (event.type, event.actor) == ("identity.user_registered.v1", "operator")


async def test_the_password_may_come_from_the_environment(run: Run, fresh_client: httpx.AsyncClient) -> None:
    await run("--email", "root@example.com", "--role", "support", password="", MDH_STAFF_PASSWORD=PASSWORD)
    tokens = await fresh_client.post("/identity/v1/login", json={"email": "root@example.com", "password": PASSWORD})
    assert actor_in(tokens).roles == {Role.SUPPORT}


async def test_it_may_be_run_again(run: Run, fresh_database: Database, fresh_client: httpx.AsyncClient) -> None:
    await run("--email", "root@example.com")
    again = await run("--email", "ROOT@example.com", password="another-Lantern-31-hinge")
    assert (again.exit_code, again.output) == (0, "ROOT@example.com: exists already\n")
    assert await users(fresh_database) == 1
    tokens = await fresh_client.post("/identity/v1/login", json={"email": "root@example.com", "password": PASSWORD})
    assert tokens.status_code == 200


async def test_a_customer_does_not_become_staff_by_their_address(
    run: Run, fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    await registered(fresh_client, fresh_database)
    result = await run("--email", "ada@example.com")
    assert result.exit_code == 1
    assert "account with this e-mail address" in result.output
    assert await users(fresh_database) == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("nobody", PASSWORD),
        ("root@example.com", "short"),
        ("root@example.com", "Password123456"),
        ("root@example.com", ""),
    ],
)
async def test_what_the_api_would_refuse_is_refused_here(
    run: Run, fresh_database: Database, email: str, password: str
) -> None:
    result = await run("--email", email, password=password)
    assert result.exit_code != 0
    assert await users(fresh_database) == 0


async def test_the_command_line_takes_no_password(run: Run, fresh_database: Database) -> None:
    assert (await run("--email", "root@example.com", "--password", PASSWORD)).exit_code == 2
    assert await users(fresh_database) == 0
