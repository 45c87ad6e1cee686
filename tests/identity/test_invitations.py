"""Asked into a team: by mail, once, for a week."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import AffiliateUser, User
from services.identity.domain.invitation import Invitation
from services.identity.jobs import forget_old_invitations
from services.identity.passwords import Passwords
from shared.auth import Actor, Role
from shared.clock import frozen, now
from shared.contracts.identity import MemberAdded, MemberInvited
from shared.db import Database
from shared.testing.plugin import Headers, Published, recorded_in

from .conftest import PASSWORD, problem_of
from .team import SHINE, Team
from .test_sessions import waiting_for_locks

Statements = Callable[[], AbstractContextManager[list[str]]]
As = Callable[[Actor], Headers]
WEEK = timedelta(days=7)
IAN = "ian@example.com"
PATH = f"/affiliates/{SHINE}/invitations"


@pytest.fixture
async def team(client: httpx.AsyncClient, database: Database, as_: As) -> Team:
    return await Team.gather(client, database, as_)


@pytest.fixture
async def real_team(fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As) -> Team:
    return await Team.gather(fresh_client, fresh_database, as_)


async def invited(team: Team, published: Published, by: str = "ada", role: str = "technician") -> str:
    """Ian is: what the mail says."""
    answer = await team.invite(by, IAN, role)
    assert answer.status_code == 201, answer.text
    return str((await published(MemberInvited))[-1].secret)


async def test_who_is_invited_joins_with_what_the_mail_says(team: Team, published: Published) -> None:
    secret = await invited(team, published)
    answer = await team.accept("ian", secret)
    assert (answer.status_code, answer.json()) == (200, {"affiliate_id": SHINE, "role": "technician"})
    assert (await team.now())["ian"] is Role.TECHNICIAN
    [event] = await published(MemberAdded)
    assert (event.user_id, event.affiliate_id, event.role, event.version) == (
        team.ids["ian"], SHINE, "technician", 1,
    )  # fmt: skip


async def test_the_secret_is_in_the_mail_alone(team: Team, published: Published, session: AsyncSession) -> None:
    answer = await team.invite("ada", IAN)
    [event] = await published(MemberInvited)
    assert (event.email, event.role, event.affiliate_id, len(event.secret)) == (IAN, "technician", SHINE, 43)
    assert event.secret not in answer.text + (await team.ask("ada", "GET", PATH)).text
    for table in ("invitations", "business_events", "idempotency_keys"):
        [kept] = (await session.scalars(text(f"select string_agg(t::text, '') from {table} t"))).all()  # noqa: S608
        assert event.secret not in (kept or "")


async def test_what_is_personal_is_sealed_for_whom_it_is_about(team: Team, published: Published) -> None:
    """Of somebody without an account there is no key yet: then it is that of whoever invites."""
    await team.invite("ada", IAN)
    await team.invite("mia", "new@example.com")
    assert [event.user_id for event in await published(MemberInvited)] == [team.ids["ian"], team.ids["mia"]]


@pytest.mark.parametrize(
    ("by", "role", "refused"),
    [
        ("ada", "owner", None),
        ("ada", "manager", None),
        ("mia", "technician", None),
        ("mia", "manager", (403, "not-yours-to-decide")),
        ("mia", "owner", (403, "not-yours-to-decide")),
        ("tom", "technician", (403, "not-yours-to-decide")),
        ("support", "technician", (403, "not-yours-to-decide")),
        ("eve", "technician", (404, "no-such-team")),
        ("ian", "technician", (404, "no-such-team")),
    ],
)
async def test_owners_invite_anybody_and_managers_technicians(
    team: Team, published: Published, by: str, role: str, refused: tuple[int, str] | None
) -> None:
    answer = await team.invite(by, IAN, role)
    assert (problem_of(answer) if refused else answer.status_code) == (refused or 201)
    assert len(await published(MemberInvited)) == (0 if refused else 1)


async def test_an_address_has_one_open_invitation_into_a_team(team: Team, published: Published) -> None:
    first = await invited(team, published)
    assert problem_of(await team.invite("mia", IAN.upper().replace("EXAMPLE.COM", "example.com"))) == (
        409, "already-invited",
    )  # fmt: skip
    with frozen(now() + WEEK):
        second = await invited(team, published)
        assert problem_of(await team.accept("ian", first)) == (404, "no-such-invitation")
        assert (await team.accept("ian", second)).status_code == 200


async def test_who_works_there_is_not_invited(team: Team, published: Published) -> None:
    assert problem_of(await team.invite("ada", "Tom@example.com")) == (409, "already-in-team")
    assert await published() == []


async def test_it_is_good_for_a_week_and_shown_as_expired_then(team: Team, published: Published) -> None:
    secret = await invited(team, published)
    with frozen(now() + WEEK):
        assert problem_of(await team.accept("ian", secret)) == (404, "no-such-invitation")
        [shown] = (await team.ask("ada", "GET", PATH)).json()["items"]
        assert shown["status"] == "expired"
    with frozen(now() + WEEK - timedelta(minutes=1)):
        assert (await team.accept("ian", secret)).status_code == 200


async def test_a_withdrawn_one_is_good_no_more(team: Team, published: Published) -> None:
    secret = await invited(team, published)
    [shown] = (await team.ask("mia", "GET", PATH)).json()["items"]
    path = f"{PATH}/{shown['id']}"
    assert problem_of(await team.ask("tom", "DELETE", path)) == (403, "not-yours-to-decide")
    assert problem_of(await team.ask("eve", "DELETE", path)) == (404, "no-such-team")
    elsewhere = path.replace(str(SHINE), "32", 1)
    assert problem_of(await team.ask("eve", "DELETE", elsewhere)) == (404, "no-such-invitation")
    assert (await team.ask("mia", "DELETE", path)).status_code == 204
    assert problem_of(await team.accept("ian", secret)) == (404, "no-such-invitation")
    assert problem_of(await team.ask("mia", "DELETE", path)) == (404, "no-such-invitation")
    assert (await team.invite("mia", IAN)).status_code == 201


async def test_managers_withdraw_what_they_could_have_sent(team: Team, published: Published) -> None:
    await invited(team, published, role="manager")
    [shown] = (await team.ask("mia", "GET", PATH)).json()["items"]
    assert problem_of(await team.ask("mia", "DELETE", f"{PATH}/{shown['id']}")) == (403, "not-yours-to-decide")


async def test_only_the_person_of_that_address_joins(team: Team, published: Published) -> None:
    secret = await invited(team, published)
    assert problem_of(await team.accept("eve", secret)) == (403, "invited-at-another-address")
    assert problem_of(await team.accept("ian", "A" * 43)) == (404, "no-such-invitation")
    assert (await team.accept("ian", secret)).status_code == 200
    assert problem_of(await team.accept("ian", secret)) == (404, "no-such-invitation")


async def test_an_address_that_became_a_members_meanwhile_joins_nothing(
    team: Team, published: Published, session: AsyncSession
) -> None:
    secret = await invited(team, published)
    await session.execute(update(User).where(User.id == team.ids["ian"]).values(email="other@example.com"))
    await session.execute(update(User).where(User.id == team.ids["tom"]).values(email=IAN))
    assert problem_of(await team.accept("tom", secret)) == (409, "already-in-team")


async def test_the_list_is_for_those_who_invite_and_takes_one_statement(
    team: Team, published: Published, statements: Statements
) -> None:
    await invited(team, published)
    for name in ("ada", "mia", "support"):
        with statements() as sent:
            answer = await team.ask(name, "GET", PATH)
        shown = "i…@example.com" if name == "support" else IAN
        assert (len(sent), [one["email"] for one in answer.json()["items"]]) == (1, [shown])
    assert problem_of(await team.ask("tom", "GET", PATH)) == (403, "not-yours-to-decide")
    assert problem_of(await team.ask("eve", "GET", PATH)) == (404, "no-such-team")


@pytest.mark.parametrize("how", ["removed", "demoted"])
async def test_nobody_joins_by_the_word_of_somebody_who_has_no_say_any_more(
    team: Team, published: Published, how: str
) -> None:
    await team.give("ada", "mia", "owner")
    secret = await invited(team, published, by="mia", role="owner")
    await (team.remove("ada", "mia") if how == "removed" else team.give("ada", "mia", "manager"))
    assert problem_of(await team.accept("ian", secret)) == (404, "no-such-invitation")


@pytest.mark.parametrize("how", ["me/close", "me/erasure"])
async def test_nobody_joins_by_the_word_of_somebody_who_is_gone(team: Team, published: Published, how: str) -> None:
    await give_password(team, "mia")
    await team.give("ada", "mia", "owner")
    secret = await invited(team, published, by="mia", role="owner")
    gone = await team.ask("mia", "POST", f"/{how}", {"password": PASSWORD})
    assert gone.is_success, gone.text
    assert problem_of(await team.accept("ian", secret)) == (404, "no-such-invitation")
    listed = (await team.ask("ada", "GET", PATH)).json()["items"]
    assert [one["status"] for one in listed] == ["withdrawn"]


async def test_nobody_joins_by_the_word_of_somebody_who_is_suspended(
    team: Team, published: Published, session: AsyncSession
) -> None:
    secret = await invited(team, published)
    by = update(User).where(User.id == team.ids["ada"])
    await session.execute(by.values(status="suspended", suspended_at=now(), suspension_reason="Asked for."))
    assert problem_of(await team.accept("ian", secret)) == (404, "no-such-invitation")
    await session.execute(by.values(status="active", suspended_at=None, suspension_reason=None))
    assert (await team.accept("ian", secret)).status_code == 200


async def test_who_joins_while_closing_the_account_is_in_no_team_with_it_closed(
    real_team: Team, fresh_database: Database
) -> None:
    await give_password(real_team, "ian")
    assert (await real_team.invite("ada", IAN, "owner")).status_code == 201
    secret = (await recorded_in(fresh_database, MemberInvited))[-1].secret
    async with asyncio.TaskGroup() as group, fresh_database.begin() as session:
        await session.execute(select(User).where(User.email == IAN).with_for_update())  # holds them both at one place
        joining = group.create_task(real_team.accept("ian", secret))
        await waiting_for_locks(fresh_database, 1)
        closing = group.create_task(real_team.ask("ian", "POST", "/me/close", {"password": PASSWORD}))
        await waiting_for_locks(fresh_database, 2)
    assert joining.result().status_code == 200
    assert problem_of(closing.result()) == (409, "changed-meanwhile")
    assert (await real_team.ask("ian", "POST", "/me/close", {"password": PASSWORD})).status_code == 204


async def give_password(team: Team, name: str) -> None:
    password_hash = await Passwords(1).hash(PASSWORD)
    async with team.database.begin() as session:
        await session.execute(update(User).where(User.id == team.ids[name]).values(password_hash=password_hash))


async def test_what_a_demoted_owner_could_still_send_stays(team: Team, published: Published) -> None:
    await team.give("ada", "mia", "owner")
    secret = await invited(team, published, by="mia")
    await team.give("ada", "mia", "manager")
    assert (await team.accept("ian", secret)).status_code == 200


async def test_who_comes_back_is_told_with_the_next_version(team: Team, published: Published) -> None:
    await team.remove("ada", "tom")
    await team.invite("ada", "tom@example.com", "manager")
    secret = (await published(MemberInvited))[-1].secret
    assert (await team.accept("tom", secret)).status_code == 200
    [event] = await published(MemberAdded)
    assert (event.version, event.role, event.user_id) == (3, "manager", team.ids["tom"])
    assert (await team.now())["tom"] is Role.MANAGER


async def test_a_team_cannot_fill_the_worlds_mailboxes_nor_strangers_its_allowance(
    make_app: Callable[[Database], FastAPI], fresh_database: Database, as_: As
) -> None:
    app = make_app(fresh_database)
    app.state.settings = app.state.settings.model_copy(update={"limits_times": 1})
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    team = await Team.gather(client, fresh_database, as_)
    for _ in range(21):
        assert problem_of(await team.invite("eve", IAN)) == (404, "no-such-team")
        assert problem_of(await team.invite("tom", IAN)) == (403, "not-yours-to-decide")
    for n in range(20):
        assert (await team.invite("ada", f"new{n}@example.com")).status_code == 201
    refused = await team.invite("mia", IAN)
    assert problem_of(refused) == (429, "too-many-attempts")
    assert int(refused.headers["Retry-After"]) <= 3600


async def test_one_address_gets_three_invitations_a_day_whoever_sends_them(
    make_app: Callable[[Database], FastAPI], fresh_database: Database, as_: As
) -> None:
    app = make_app(fresh_database)
    app.state.settings = app.state.settings.model_copy(update={"limits_times": 1})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        team = await Team.gather(client, fresh_database, as_)
        async with fresh_database.begin() as session:
            shops = range(41, 45)
            session.add_all(AffiliateUser(affiliate_id=id, user_id=team.ids["ada"], role=Role.OWNER) for id in shops)
        body = {"email": IAN, "role": "technician"}
        answers = [await team.ask("ada", "POST", f"/affiliates/{id}/invitations", body) for id in shops]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]


async def test_old_invitations_are_forgotten(team: Team, published: Published, session: AsyncSession) -> None:
    await invited(team, published)
    for days, left in ((89, 1), (91, 0)):
        with frozen(now() + timedelta(days=days)):
            await forget_old_invitations(session)
        assert await session.scalar(select(func.count()).select_from(Invitation)) == left


async def test_sent_again_with_its_key_it_is_the_same_invitation(team: Team, published: Published) -> None:
    body, key = {"email": IAN, "role": "technician"}, {"Idempotency-Key": "one"}
    first, again = [await team.ask("ada", "POST", PATH, body, **key) for _ in range(2)]
    assert (first.status_code, again.content) == (201, first.content)
    assert len(await published(MemberInvited)) == 1


async def test_accepted_twice_at_the_same_moment_it_is_accepted_once(real_team: Team, fresh_database: Database) -> None:
    await real_team.invite("ada", IAN)
    [event] = await recorded_in(fresh_database, MemberInvited)
    answers = await asyncio.gather(*(real_team.accept("ian", event.secret) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    assert len(await recorded_in(fresh_database, MemberAdded)) == 1


async def test_invited_twice_at_the_same_moment_it_is_one_invitation(real_team: Team) -> None:
    answers = await asyncio.gather(*(real_team.invite(by, IAN) for by in ("ada", "mia") * 3))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_withdrawn_and_accepted_at_the_same_moment_it_is_one_of_both(
    real_team: Team, fresh_database: Database
) -> None:
    path = f"{PATH}/{(await real_team.invite('ada', IAN)).json()['id']}"
    [event] = await recorded_in(fresh_database, MemberInvited)
    accepted, withdrawn = await asyncio.gather(
        real_team.accept("ian", event.secret), real_team.ask("ada", "DELETE", path)
    )
    assert {accepted.status_code, withdrawn.status_code} in ({200, 404}, {404, 204})
    assert ("ian" in await real_team.now()) == (accepted.status_code == 200)


@pytest.mark.parametrize(
    "body",
    [
        {"email": IAN, "role": "admin"},
        {"email": "ian", "role": "technician"},
        {"email": f"{IAN}\r\nBcc: eve@example.com", "role": "technician"},
        {"email": IAN, "role": "technician", "affiliate_id": 32},
        {"email": IAN},
        {"email": None, "role": "technician"},
    ],
)
async def test_bad_input_invites_nobody(team: Team, published: Published, body: Any) -> None:
    assert problem_of(await team.ask("ada", "POST", PATH, body)) == (422, "invalid-request")
    assert await published() == []
