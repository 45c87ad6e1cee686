"""Links of accounts here with accounts elsewhere."""

from collections.abc import Callable

import httpx
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User, UserRole
from shared.auth import Actor
from shared.contracts.identity import (
    SignInUnlinked,
)
from shared.testing.plugin import Headers, Published

from ..conftest import EMAIL, bearer, problem_of
from ..openid import Between
from .browser import PATH, sign_in


async def test_a_link_is_taken_away_by_its_owner_unless_it_is_the_only_way_in(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, published: Published,
    as_: Callable[[Actor], Headers],
) -> None:  # fmt: skip
    headers = bearer(await sign_in(client))
    [link] = (await client.get(f"{PATH}/links", headers=headers)).json()["items"]
    path = f"{PATH}/links/{link['id']}"
    assert problem_of(await client.delete(path, headers=headers)) == (409, "only-way-in")
    assert problem_of(await client.delete(path, headers=as_(await somebody(session)))) == (404, "no-such-link")
    await sign_in(client, provider="signed")
    assert (await client.delete(path, headers=headers)).status_code == 204
    assert [event.provider for event in await published(SignInUnlinked)] == ["told"]
    [left] = (await client.get(f"{PATH}/links", headers=headers)).json()["items"]
    assert left["provider"] == "signed"
    await session.execute(update(User).where(User.email == EMAIL).values(password_hash="x"))
    assert (await client.delete(f"{PATH}/links/{left['id']}", headers=headers)).status_code == 204


async def somebody(session: AsyncSession) -> Actor:
    user = User(email="eve@example.com", role=UserRole.CUSTOMER, full_name="Eve", locale="en-US", timezone="UTC")
    session.add(user)
    await session.flush()
    return Actor(user_id=user.id)
