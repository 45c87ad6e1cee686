"""Who works for whom, as told by catalog."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import AffiliateUser, NoSuchUser
from shared.auth import Role
from shared.contracts.catalog import AffiliateApplied
from shared.contracts.identity import MemberAdded
from shared.ids import new_id
from shared.testing.plugin import Deliver, Published

from .conftest import PASSWORD, LogIn, Refresh, Register, actor_in, bearer


def applied(owner_user_id: int, affiliate_id: int = 31, version: int = 1) -> AffiliateApplied:
    values: dict[str, Any] = {
        "affiliate_id": affiliate_id, "version": version, "owner_user_id": owner_user_id, "name": "Shine",
        "application_status": "pending", "city": "Brooklyn", "state": "NY", "zip": "11201",
        "timezone": "America/New_York", "latitude": 40.69, "longitude": -73.99, "service_radius_m": 20_000,
    }  # fmt: skip
    return AffiliateApplied(**values)


@pytest.fixture
async def owner_id(register: Register) -> int:
    return int((await register(account="affiliate")).json()["id"])


async def test_who_applies_owns_the_affiliate_from_the_next_token_on(
    owner_id: int, log_in: LogIn, refresh: Refresh, deliver: Deliver, published: Published, session: AsyncSession
) -> None:
    before = await log_in()
    assert actor_in(before).affiliates == {}
    await deliver(applied(owner_id))
    after = await refresh(before.json()["refresh_token"])
    assert actor_in(after).affiliates == {31: Role.OWNER}
    member = await session.scalar(select(AffiliateUser))
    assert member is not None
    assert await published(MemberAdded) == [
        MemberAdded(affiliate_user_id=member.id, version=1, affiliate_id=31, user_id=owner_id, role="owner")
    ]


async def test_told_twice_it_happens_once(
    owner_id: int, deliver: Deliver, published: Published, session: AsyncSession
) -> None:
    event, event_id = applied(owner_id), new_id()
    await deliver(event, event_id)
    await deliver(event, event_id)
    await deliver(event)  # the same fact, published again under another id
    assert len(await published(MemberAdded)) == 1
    assert await session.scalar(select(func.count()).select_from(AffiliateUser)) == 1


@pytest.mark.parametrize("versions", [(1, 2), (2, 1)])
async def test_late_or_in_reverse_a_team_that_is_there_stays_as_it_is(
    owner_id: int, register: Register, deliver: Deliver, published: Published, versions: tuple[int, int]
) -> None:
    other_id = (await register(account="affiliate", email="kim@example.com")).json()["id"]
    await deliver(applied(owner_id, version=versions[0]))
    await deliver(applied(other_id, version=versions[1]))
    assert [event.user_id for event in await published(MemberAdded)] == [owner_id]


async def test_one_may_own_several_affiliates(owner_id: int, deliver: Deliver, log_in: LogIn) -> None:
    await deliver(applied(owner_id, affiliate_id=31))
    await deliver(applied(owner_id, affiliate_id=32))
    assert actor_in(await log_in()).affiliates == {31: Role.OWNER, 32: Role.OWNER}


async def test_an_owner_whom_nobody_knows_is_refused_for_good(deliver: Deliver, published: Published) -> None:
    with pytest.raises(NoSuchUser):
        await deliver(applied(owner_user_id=999))
    assert await published() == []


async def test_the_database_has_a_user_once_in_a_team(owner_id: int, session: AsyncSession) -> None:
    for _ in range(2):
        session.add(AffiliateUser(affiliate_id=31, user_id=owner_id, role=Role.TECHNICIAN))
    with pytest.raises(IntegrityError, match="affiliate_users_once"):
        await session.flush()


@pytest.mark.parametrize("how", ["me/close", "me/erasure"])
async def test_whose_account_is_closed_by_then_owns_nothing(
    owner_id: int, log_in: LogIn, client: httpx.AsyncClient, deliver: Deliver, published: Published, how: str
) -> None:
    headers = bearer(await log_in())
    answer = await client.post(f"/identity/v1/{how}", json={"password": PASSWORD}, headers=headers)
    assert answer.is_success, answer.text
    await deliver(applied(owner_id))
    assert await published(MemberAdded) == []
