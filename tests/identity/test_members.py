"""Who changes a team, and what is left of it."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.commands.teams import leave_every_team
from services.identity.domain.team import LastOwner
from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.identity import MemberChanged, MemberRemoved
from shared.db import Database
from shared.testing.plugin import AsOwner, Headers, Published

from .conftest import problem_of
from .team import SHINE, Team

Statements = Callable[[], AbstractContextManager[list[str]]]
As = Callable[[Actor], Headers]
OWNER, MANAGER, TECHNICIAN = Role.OWNER, Role.MANAGER, Role.TECHNICIAN
AT_FIRST = {"ada": OWNER, "mia": MANAGER, "tom": TECHNICIAN}
MEMBERS = f"/affiliates/{SHINE}/members"


@pytest.fixture
async def team(client: httpx.AsyncClient, database: Database, as_: As) -> Team:
    return await Team.gather(client, database, as_)


async def test_the_team_and_staff_see_it_with_one_statement(team: Team, statements: Statements) -> None:
    for name in ("ada", "mia", "tom", "support"):
        with statements() as sent:
            answer = await team.ask(name, "GET", MEMBERS)
        assert len(sent) == 1
        assert [(member["full_name"], member["role"], member["version"]) for member in answer.json()["items"]] == [
            ("Ada", "owner", 1), ("Mia", "manager", 1), ("Tom", "technician", 1),
        ]  # fmt: skip
        emails = [member["email"] for member in answer.json()["items"]]
        assert emails[0] == ("a…@example.com" if name == "support" else "ada@example.com")
    for name in ("eve", "ian"):
        assert problem_of(await team.ask(name, "GET", MEMBERS)) == (404, "no-such-team")


async def test_a_large_team_comes_in_pages(team: Team) -> None:
    first = (await team.ask("tom", "GET", f"{MEMBERS}?limit=2")).json()
    second = (await team.ask("tom", "GET", f"{MEMBERS}?limit=2&cursor={first['next']}")).json()
    assert [member["full_name"] for member in first["items"] + second["items"]] == ["Ada", "Mia", "Tom"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("by", "whom", "role", "status", "code"),
    [
        ("ada", "tom", "manager", 200, ""),
        ("ada", "mia", "owner", 200, ""),
        ("ada", "ada", "manager", 409, "last-owner"),
        ("mia", "tom", "manager", 403, "not-yours-to-decide"),
        ("mia", "mia", "owner", 403, "not-yours-to-decide"),
        ("mia", "ada", "technician", 403, "not-yours-to-decide"),
        ("tom", "tom", "owner", 403, "not-yours-to-decide"),
        ("support", "tom", "manager", 403, "not-yours-to-decide"),
        ("eve", "tom", "manager", 404, "no-such-team"),
        ("ian", "ian", "owner", 404, "no-such-team"),
        ("ada", "ian", "manager", 404, "no-such-member"),
    ],
)
async def test_owners_give_roles_and_nobody_else(
    team: Team, published: Published, by: str, whom: str, role: str, status: int, code: str
) -> None:
    answer = await team.give(by, whom, role)
    if status == 200:
        assert (answer.status_code, answer.json()["role"], answer.headers["etag"]) == (200, role, '"2"')
        assert await team.now() == AT_FIRST | {whom: Role(role)}
        [event] = await published(MemberChanged)
        assert (event.user_id, event.role, event.version, event.affiliate_id) == (team.ids[whom], role, 2, SHINE)
    else:
        assert problem_of(answer) == (status, code)
        assert (await team.now(), await published()) == (AT_FIRST, [])


@pytest.mark.parametrize(
    ("by", "whom", "status", "code"),
    [
        ("ada", "mia", 204, ""),
        ("ada", "tom", 204, ""),
        ("mia", "tom", 204, ""),
        ("mia", "mia", 204, ""),
        ("tom", "tom", 204, ""),
        ("ada", "ada", 409, "last-owner"),
        ("mia", "ada", 403, "not-yours-to-decide"),
        ("tom", "ada", 403, "not-yours-to-decide"),
        ("tom", "mia", 403, "not-yours-to-decide"),
        ("support", "tom", 403, "not-yours-to-decide"),
        ("eve", "tom", 404, "no-such-team"),
        ("ada", "ian", 404, "no-such-member"),
    ],
)
async def test_members_are_removed_by_those_above_them_or_leave(
    team: Team, published: Published, by: str, whom: str, status: int, code: str
) -> None:
    answer = await team.remove(by, whom)
    if status == 204:
        assert answer.status_code == 204
        assert await team.now() == {name: role for name, role in AT_FIRST.items() if name != whom}
        [event] = await published(MemberRemoved)
        assert (event.user_id, event.role, event.version) == (team.ids[whom], AT_FIRST[whom], 2)
        assert problem_of(await team.remove("ada", whom)) == (404, "no-such-member")
    else:
        assert problem_of(answer) == (status, code)
        assert (await team.now(), await published()) == (AT_FIRST, [])


async def test_a_token_from_before_is_not_believed(team: Team) -> None:
    """Mia's token says manager until it ends; the team knows better."""
    await team.give("ada", "mia", "technician")
    assert problem_of(await team.remove("mia", "tom")) == (403, "not-yours-to-decide")
    await team.remove("ada", "mia")
    assert problem_of(await team.remove("mia", "tom")) == (404, "no-such-team")


async def test_the_same_role_again_is_no_news(team: Team, published: Published) -> None:
    answer = await team.give("ada", "tom", "technician")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert await published() == []


async def test_what_was_changed_meanwhile_is_not_changed_unseen(team: Team) -> None:
    await team.give("ada", "tom", "manager")
    late = {"If-Match": '"1"'}
    assert problem_of(await team.give("ada", "tom", "owner", **late)) == (412, "precondition-failed")
    assert problem_of(await team.remove("ada", "tom", **late)) == (412, "precondition-failed")
    assert (await team.remove("ada", "tom", **{"If-Match": '"2"'})).status_code == 204


async def test_a_hand_over_makes_one_the_owner_and_the_other_a_manager(team: Team, published: Published) -> None:
    answer = await team.hand_over("ada", "tom")
    assert (answer.status_code, answer.json()["role"]) == (200, "owner")
    assert await team.now() == {"ada": MANAGER, "mia": MANAGER, "tom": OWNER}
    assert [(event.user_id, event.role) for event in await published(MemberChanged)] == [
        (team.ids["tom"], "owner"), (team.ids["ada"], "manager"),
    ]  # fmt: skip
    assert problem_of(await team.hand_over("ada", "ada")) == (403, "not-yours-to-decide")


async def test_to_hand_over_to_another_owner_is_to_step_down(team: Team, published: Published) -> None:
    await team.give("ada", "mia", "owner")
    assert (await team.hand_over("ada", "mia")).status_code == 200
    assert await team.now() == {"ada": MANAGER, "mia": OWNER, "tom": TECHNICIAN}
    assert len(await published(MemberChanged)) == 2


@pytest.mark.parametrize(
    ("by", "to", "refused"),
    [
        ("ada", "ada", (409, "already-yours")),
        ("ada", "ian", (404, "no-such-member")),
        ("mia", "tom", (403, "not-yours-to-decide")),
        ("tom", "tom", (403, "not-yours-to-decide")),
        ("support", "tom", (403, "not-yours-to-decide")),
        ("eve", "tom", (404, "no-such-team")),
    ],
)
async def test_only_owners_hand_over_and_only_to_their_team(
    team: Team, published: Published, by: str, to: str, refused: tuple[int, str]
) -> None:
    assert problem_of(await team.hand_over(by, to)) == refused
    assert (await team.now(), await published()) == (AT_FIRST, [])


@pytest.mark.parametrize(
    "body", [{"role": "admin"}, {"role": "customer"}, {"role": None}, {}, [], {"role": "owner", "user_id": 1}]
)
async def test_only_roles_of_a_team_can_be_given(team: Team, body: Any) -> None:
    answer = await team.ask("ada", "PATCH", f"{MEMBERS}/{team.ids['tom']}", body)
    assert problem_of(answer) == (422, "invalid-request")
    assert await team.now() == AT_FIRST


async def test_whoever_goes_for_good_leaves_every_team(
    team: Team, database: Database, session: AsyncSession, published: Published
) -> None:
    async with database.begin() as leaving:
        await leave_every_team(leaving, team.ids["mia"])
    assert await team.now() == {"ada": OWNER, "tom": TECHNICIAN}
    assert len(await published(MemberRemoved)) == 1
    with pytest.raises(LastOwner):
        await leave_every_team(session, team.ids["ada"])


@pytest.fixture
async def real_team(fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As) -> Team:
    return await Team.gather(fresh_client, fresh_database, as_)


@pytest.mark.parametrize("how", ["remove each other", "both leave", "both step down", "both hand over"])
async def test_of_two_owners_at_the_same_moment_one_is_left(real_team: Team, how: str) -> None:
    team = real_team
    assert (await team.give("ada", "mia", "owner")).status_code == 200
    both = {
        "remove each other": lambda: (team.remove("ada", "mia"), team.remove("mia", "ada")),
        "both leave": lambda: (team.remove("ada", "ada"), team.remove("mia", "mia")),
        "both step down": lambda: (team.give("ada", "ada", "manager"), team.give("mia", "mia", "technician")),
        "both hand over": lambda: (team.hand_over("ada", "mia"), team.hand_over("mia", "ada")),
    }[how]()
    await asyncio.gather(*(team.ask("tom", "GET", MEMBERS) for _ in range(8)))  # connections made before the race
    answers = await asyncio.gather(*both)
    statuses = [answer.status_code for answer in answers]
    assert min(statuses) < 300, statuses
    assert "hand" in how or max(statuses) in (403, 404, 409), statuses  # to hand over to and fro is possible
    assert list((await team.now()).values()).count(OWNER) == 1


LEAVES = "update affiliate_users set removed_at = now() where user_id = :id"


async def test_the_database_itself_keeps_one_owner(real_team: Team, fresh_database: Database) -> None:
    """Two owners whose transactions do not wait for each other, as if nobody had locked the team."""
    await real_team.give("ada", "mia", "owner")

    async def leave(name: str) -> None:
        async with fresh_database.begin() as session:
            await session.execute(text(LEAVES), {"id": real_team.ids[name]})
            await asyncio.wait_for(both_there.wait(), 5)

    both_there = asyncio.Barrier(2)
    outcomes = await asyncio.gather(leave("ada"), leave("mia"), return_exceptions=True)
    assert [isinstance(outcome, IntegrityError) for outcome in outcomes if outcome] == [True], outcomes
    assert list((await real_team.now()).values()).count(OWNER) == 1


async def test_without_that_guard_nobody_would_be_left(
    real_team: Team, fresh_database: Database, as_owner: AsOwner
) -> None:
    await as_owner("alter table affiliate_users disable trigger affiliate_users_one_owner")
    async with fresh_database.begin() as session:
        await session.execute(text(LEAVES), {"id": real_team.ids["ada"]})
    assert OWNER not in (await real_team.now()).values()


async def test_a_role_that_is_given_at_the_moment_of_a_removal_is_not_half_given(real_team: Team) -> None:
    answers = await asyncio.gather(real_team.give("ada", "tom", "manager"), real_team.remove("ada", "tom"))
    assert answers[0].status_code == 200 or problem_of(answers[0]) == (404, "no-such-member")
    assert answers[1].status_code == 204
    assert "tom" not in await real_team.now()


async def test_tokens_end_when_a_role_does(team: Team, published: Published) -> None:
    before = now()
    await team.give("ada", "tom", "manager")
    await team.remove("ada", "tom")
    for event in (await published(MemberChanged)) + (await published(MemberRemoved)):
        assert (event.ended, event.tokens_end_at >= before) == (f"user:{team.ids['tom']}", True)
