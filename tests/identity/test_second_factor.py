"""The second factor: setting it up, signing in with it, doing without it again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pyotp
import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain import second_factor as rules
from services.identity.domain.account import User, UserStatus
from services.identity.domain.second_factor import Challenge, RecoveryCode, SecondFactor
from services.identity.domain.session import RefreshToken, digest
from services.identity.queries import second_factor as queries
from services.identity.vault import Vault
from shared.auth import Actor
from shared.clock import frozen, now
from shared.contracts.identity import RecoveryCodeUsed, SecondFactorDisabled, SecondFactorEnabled
from shared.db import Database
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import ADMIN, SUPPORT

from .conftest import PASSWORD, LogIn, Register, bearer, problem_of, registered, registration

Spend = Callable[[AsyncSession, int, int], Awaitable[bool]]
Statements = Callable[[], AbstractContextManager[list[str]]]
PATH = "/identity/v1/second-factor"


class App:
    """Somebody with an authenticator app. Each code that it shows is of a later step than the one before."""

    def __init__(self, client: httpx.AsyncClient, headers: Headers, secret: str, recovery_codes: list[str]) -> None:
        self.client, self.headers, self.secret, self.recovery_codes = client, headers, secret, recovery_codes

    def code(self, steps: int = 1) -> str:
        """By default of the next step: that of this one was used when the factor was confirmed."""
        return pyotp.TOTP(self.secret).at(now(), counter_offset=steps)

    async def challenge(self) -> str:
        told = {"email": registration()["email"], "password": PASSWORD, "device": "Ada's phone"}
        answer = await self.client.post("/identity/v1/login", json=told)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["second_factor"]["challenge"])

    async def complete(self, challenge: str, code: str) -> httpx.Response:
        return await self.client.post("/identity/v1/login/second-factor", json={"challenge": challenge, "code": code})

    async def log_in(self, code: str) -> httpx.Response:
        return await self.complete(await self.challenge(), code)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(PATH + path, json=body, headers=self.headers)


async def set_up(client: httpx.AsyncClient, database: Database) -> App:
    """Ada, with the factor on."""
    await registered(client, database)
    login = {"email": registration()["email"], "password": PASSWORD}
    headers = bearer(await client.post("/identity/v1/login", json=login))
    secret = (await client.post(PATH, json={"password": PASSWORD}, headers=headers)).json()["secret"]
    code = pyotp.TOTP(secret).at(now())
    confirmed = await client.post(f"{PATH}/confirm", json={"code": code}, headers=headers)
    assert confirmed.status_code == 200, confirmed.text
    return App(client, headers, secret, confirmed.json()["recovery_codes"])


@pytest.fixture
async def ada(client: httpx.AsyncClient, database: Database) -> App:
    return await set_up(client, database)


@pytest.mark.parametrize(
    ("at", "code"), [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")]
)
def test_the_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    """Appendix B, for SHA-1; what apps show are the last six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert rules.step_of(code[2:], secret, datetime.fromtimestamp(at, UTC)) == at // rules.STEP


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(steps: int, good: bool) -> None:
    secret, at = rules.new_secret(), now()
    assert (rules.step_of(pyotp.TOTP(secret).at(at, counter_offset=steps), secret, at) is not None) is good


async def test_a_secret_is_shown_once_and_stored_sealed(
    client: httpx.AsyncClient, register: Register, log_in: LogIn, session: AsyncSession
) -> None:
    await register()
    headers = bearer(await log_in())
    answer = await client.post(PATH, json={"password": PASSWORD}, headers=headers)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    told = pyotp.parse_uri(answer.json()["uri"])
    assert isinstance(told, pyotp.TOTP)
    assert (told.secret, told.name, told.issuer) == (answer.json()["secret"], "ada@example.com", "Mobile Detail Hub")
    stored = await session.scalar(select(SecondFactor.secret))
    assert stored is not None
    assert told.secret.encode() not in stored


async def test_a_factor_that_was_not_confirmed_is_not_asked_for(
    client: httpx.AsyncClient, register: Register, log_in: LogIn
) -> None:
    await register()
    headers = bearer(await log_in())
    await client.post(PATH, json={"password": PASSWORD}, headers=headers)
    wrong = await client.post(f"{PATH}/confirm", json={"code": "000000"}, headers=headers)
    assert problem_of(wrong) == (403, "wrong-code")
    assert "access_token" in (await log_in()).json()
    assert (await client.get(PATH, headers=headers)).json() == {"on_since": None, "codes_left": 0}


async def test_it_takes_the_password_to_begin_and_a_beginning_to_confirm(
    client: httpx.AsyncClient, register: Register, log_in: LogIn
) -> None:
    await register()
    headers = bearer(await log_in())
    refused = await client.post(PATH, json={"password": PASSWORD + "!"}, headers=headers)
    assert problem_of(refused) == (403, "wrong-password")
    nothing = await client.post(f"{PATH}/confirm", json={"code": "000000"}, headers=headers)
    assert problem_of(nothing) == (404, "no-second-factor")


async def test_a_beginning_that_nobody_confirms_is_over_after_a_quarter_of_an_hour(
    client: httpx.AsyncClient, register: Register, log_in: LogIn
) -> None:
    await register()
    headers = bearer(await log_in())
    begun = now()
    with frozen(begun):
        totp = pyotp.TOTP((await client.post(PATH, json={"password": PASSWORD}, headers=headers)).json()["secret"])
    with frozen(begun + rules.ENROLMENT_LIFE):
        late = await client.post(f"{PATH}/confirm", json={"code": totp.at(now())}, headers=headers)
    assert problem_of(late) == (404, "no-second-factor")
    with frozen(begun + rules.ENROLMENT_LIFE):
        totp = pyotp.TOTP((await client.post(PATH, json={"password": PASSWORD}, headers=headers)).json()["secret"])
    with frozen(begun + rules.ENROLMENT_LIFE * 1.9):
        in_time = await client.post(f"{PATH}/confirm", json={"code": totp.at(now())}, headers=headers)
    assert in_time.status_code == 200


async def test_codes_that_confirm_are_counted_like_all_others(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> None:
    app = make_app(fresh_database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        await registered(client, fresh_database)
        login = {"email": registration()["email"], "password": PASSWORD}
        headers = bearer(await client.post("/identity/v1/login", json=login))
        secret = (await client.post(PATH, json={"password": PASSWORD}, headers=headers)).json()["secret"]
        app.state.settings.limits_times = 1  # as in production
        for left in (4, 3, 2, 1, 0):
            answer = await client.post(f"{PATH}/confirm", json={"code": "000000"}, headers=headers)
            assert problem_of(answer) == (403, "wrong-code")
            assert answer.headers["RateLimit-Remaining"] == str(left)
        right = {"code": pyotp.TOTP(secret).at(now())}
        refused = await client.post(f"{PATH}/confirm", json=right, headers=headers)
        assert problem_of(refused) == (429, "too-many-attempts")


async def test_a_secret_whose_key_is_gone_is_our_fault_and_recovery_codes_still_work(
    ada: App, app: FastAPI, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app.state, "vault", Vault.of(Fernet.generate_key().decode()))
    challenge = await ada.challenge()
    answer = await ada.complete(challenge, ada.code())
    assert problem_of(answer) == (503, "secret-unreadable")
    assert "vault.key_missing" in capsys.readouterr().out
    assert problem_of(await ada.post("/disable", password=PASSWORD, code=ada.code())) == (503, "secret-unreadable")
    assert (await ada.complete(challenge, ada.recovery_codes[0])).status_code == 200


async def test_once_confirmed_it_is_told_and_is_on(ada: App, published: Published) -> None:
    state = (await ada.client.get(PATH, headers=ada.headers)).json()
    assert state["on_since"]
    assert state["codes_left"] == len(set(ada.recovery_codes)) == 10
    assert len(await published(SecondFactorEnabled)) == 1
    assert problem_of(await ada.post("", password=PASSWORD)) == (409, "second-factor-on")
    assert problem_of(await ada.post("/confirm", code=ada.code())) == (409, "second-factor-on")


async def test_a_login_gets_a_challenge_and_no_tokens(ada: App, log_in: LogIn, session: AsyncSession) -> None:
    before = len((await session.scalars(select(RefreshToken.id))).all())
    answer = await log_in()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert set(answer.json()) == {"second_factor"}
    stored = await session.scalar(select(Challenge))
    assert stored is not None
    assert stored.challenge_hash == digest(answer.json()["second_factor"]["challenge"])
    assert len((await session.scalars(select(RefreshToken.id))).all()) == before


async def test_the_code_completes_the_login_on_the_device_that_began_it(ada: App, session: AsyncSession) -> None:
    answer = await ada.log_in(ada.code())
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    me = await ada.client.get("/identity/v1/me", headers=bearer(answer))
    assert me.status_code == 200
    stored = await session.scalar(
        select(RefreshToken).where(RefreshToken.token_hash == digest(answer.json()["refresh_token"]))
    )
    assert stored is not None
    assert stored.device == "Ada's phone"


async def test_a_code_is_good_once(ada: App) -> None:
    code = ada.code()
    assert (await ada.log_in(code)).status_code == 200
    assert problem_of(await ada.log_in(code)) == (403, "wrong-code")
    assert problem_of(await ada.log_in(ada.code(0))) == (403, "wrong-code")  # nor is an earlier one, after it


async def test_a_challenge_is_good_once(ada: App) -> None:
    challenge = await ada.challenge()
    assert (await ada.complete(challenge, ada.code())).status_code == 200
    assert problem_of(await ada.complete(challenge, ada.recovery_codes[0])) == (401, "challenge-ended")


async def test_a_challenge_ends_after_five_codes_and_after_five_minutes(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    ada = await set_up(fresh_client, fresh_database)
    challenge = await ada.challenge()
    for _ in range(rules.TRIES_OF_A_CHALLENGE):
        assert problem_of(await ada.complete(challenge, "AAAA-AAAA-AAAA-AAAA")) == (403, "wrong-code")
    assert problem_of(await ada.complete(challenge, ada.recovery_codes[0])) == (401, "challenge-ended")
    late = await ada.challenge()
    with frozen(now() + rules.CHALLENGE_LIFE):
        assert problem_of(await ada.complete(late, ada.code())) == (401, "challenge-ended")


async def test_a_challenge_ends_when_the_account_is_changed(ada: App, session: AsyncSession) -> None:
    challenge = await ada.challenge()
    await session.execute(update(User).values(version=User.version + 1))
    assert problem_of(await ada.complete(challenge, ada.code())) == (401, "challenge-ended")


async def test_logging_in_anew_gives_no_further_guesses_and_a_recovery_code_needs_none(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> None:
    app = make_app(fresh_database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        ada = await set_up(client, fresh_database)
        first, second = await ada.challenge(), await ada.challenge()
        app.state.settings.limits_times = 1  # as in production
        for _ in range(4):  # and one code has confirmed it
            assert problem_of(await ada.complete(first, "000000")) == (403, "wrong-code")
        assert problem_of(await ada.complete(second, ada.code())) == (429, "too-many-attempts")
        assert (await ada.complete(second, ada.recovery_codes[0])).status_code == 200


async def test_a_recovery_code_opens_the_account_once(ada: App, session: AsyncSession, published: Published) -> None:
    code = ada.recovery_codes[3]
    assert (await ada.log_in(code.lower().replace("-", " "))).status_code == 200
    assert problem_of(await ada.log_in(code)) == (403, "wrong-code")
    [used] = await published(RecoveryCodeUsed)
    assert used.codes_left == 9
    stored = (await session.scalars(select(RecoveryCode.code_hash))).all()
    assert digest(rules.plain(code)) in stored


async def test_recovery_codes_of_another_open_nothing(ada: App, register: Register, session: AsyncSession) -> None:
    await register(email="grace@example.com")
    grace = await session.scalar(select(User.id).where(User.email == "grace@example.com"))
    await session.execute(update(RecoveryCode).values(user_id=grace))
    assert problem_of(await ada.log_in(ada.recovery_codes[0])) == (403, "wrong-code")


async def test_new_recovery_codes_end_the_old_ones(ada: App) -> None:
    answer = await ada.post("/recovery-codes", password=PASSWORD, code=ada.code())
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    fresh = answer.json()["recovery_codes"]
    assert len(set(fresh) | set(ada.recovery_codes)) == 20
    assert problem_of(await ada.log_in(ada.recovery_codes[0])) == (403, "wrong-code")
    assert (await ada.log_in(fresh[0])).status_code == 200


async def test_it_is_switched_off_with_both_factors(ada: App, log_in: LogIn, published: Published) -> None:
    wrong = await ada.post("/disable", password=PASSWORD + "!", code=ada.code())
    assert problem_of(wrong) == (403, "wrong-password")
    assert problem_of(await ada.post("/disable", password=PASSWORD, code="000000")) == (403, "wrong-code")
    assert (await ada.post("/disable", password=PASSWORD, code=ada.code())).status_code == 204
    assert "access_token" in (await log_in()).json()
    assert len(await published(SecondFactorDisabled)) == 1
    assert problem_of(await ada.post("/disable", password=PASSWORD, code=ada.code())) == (404, "no-second-factor")


async def test_an_administrator_takes_it_off_for_whoever_has_lost_everything(
    ada: App, client: httpx.AsyncClient, as_: Callable[[Actor], Headers], log_in: LogIn, published: Published
) -> None:
    me = (await client.get("/identity/v1/me", headers=ada.headers)).json()
    path, told = f"/identity/v1/users/{me['id']}/second-factor", {"reason": "You came by with your passport."}

    async def ask(actor: Actor) -> httpx.Response:
        return await client.request("DELETE", path, json=told, headers=as_(actor))

    assert (await ask(SUPPORT)).status_code == 403
    assert (await ask(replace(ADMIN, impersonator=9))).status_code == 403
    taken = await ask(ADMIN)
    assert (taken.status_code, taken.json()["second_factor_at"]) == (200, None)
    assert taken.headers["ETag"] == f'"{taken.json()["version"]}"'
    [off] = await published(SecondFactorDisabled)
    assert (off.user_id, off.reason) == (me["id"], "You came by with your passport.")
    assert "access_token" in (await log_in()).json()
    assert problem_of(await ask(ADMIN)) == (404, "no-second-factor")


async def test_a_recovery_code_switches_it_off_too(ada: App, log_in: LogIn, published: Published) -> None:
    answer = await ada.post("/disable", password=PASSWORD, code=ada.recovery_codes[0])
    assert answer.status_code == 204
    assert [event.type for event in await published()][-2:] == [RecoveryCodeUsed.type, SecondFactorDisabled.type]
    assert "access_token" in (await log_in()).json()


async def test_a_suspended_account_says_so_only_after_both_factors(ada: App, session: AsyncSession) -> None:
    challenge = await ada.challenge()
    await session.execute(update(User).values(status=UserStatus.SUSPENDED))
    assert problem_of(await ada.complete(challenge, "000000")) == (403, "wrong-code")
    assert problem_of(await ada.complete(challenge, ada.code())) == (403, "account-suspended")


async def test_what_a_login_costs_with_a_second_factor(ada: App, statements: Statements) -> None:
    """Count, read the credentials, read the account, write the challenge; then count the code for the challenge, count
    it for the account, read the account, spend the code, use the challenge, write the session."""
    with statements() as sent:
        challenge = await ada.challenge()
    assert len(sent) == 4
    with statements() as sent:
        assert (await ada.complete(challenge, ada.code())).status_code == 200
    assert len(sent) == 6


# -- races --


async def test_of_two_uses_of_one_code_one_gets_through(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    ada = await set_up(fresh_client, fresh_database)
    challenges, code = [await ada.challenge() for _ in range(4)], ada.code()
    answers = await asyncio.gather(*(ada.complete(challenge, code) for challenge in challenges))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]


def look_then_write() -> Spend:
    """What `spend_step` must not be: between look and write others come."""
    looked = asyncio.Barrier(4)

    async def look_then_write(session: AsyncSession, user_id: int, step: int) -> bool:
        last = await session.scalar(select(SecondFactor.last_step).where(SecondFactor.user_id == user_id))
        await asyncio.wait_for(looked.wait(), 15)
        await session.execute(update(SecondFactor).where(SecondFactor.user_id == user_id).values(last_step=step))
        return (last or 0) < step

    return look_then_write


@pytest.mark.parametrize(("spend", "through"), [(queries.spend_step, 1), (look_then_write(), 4)])
async def test_the_comparison_is_the_databases_and_must_be(
    fresh_client: httpx.AsyncClient, fresh_database: Database, spend: Spend, through: int
) -> None:
    """The second is the negative control: compared outside, one code lets everybody through."""
    await set_up(fresh_client, fresh_database)
    step = int(now().timestamp()) // rules.STEP + 1

    async def one() -> bool:
        async with fresh_database.begin() as session:
            user_id = (await session.scalars(select(SecondFactor.user_id))).one()
            return await spend(session, user_id, step)

    assert sum(await asyncio.gather(*(one() for _ in range(4)))) == through


async def test_of_two_uses_of_one_recovery_code_one_gets_through(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    ada = await set_up(fresh_client, fresh_database)
    challenges, code = [await ada.challenge() for _ in range(4)], ada.recovery_codes[0]
    answers = await asyncio.gather(*(ada.complete(challenge, code) for challenge in challenges))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.status_code for answer in answers} <= {200, 401, 403, 409}


async def test_of_two_good_codes_for_one_challenge_one_gets_through(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    ada = await set_up(fresh_client, fresh_database)
    challenge = await ada.challenge()
    codes = [ada.code(), *ada.recovery_codes[:3]]
    answers = await asyncio.gather(*(ada.complete(challenge, code) for code in codes))
    assert [answer.status_code for answer in answers].count(200) == 1
    left = (await fresh_client.get(PATH, headers=ada.headers)).json()["codes_left"]
    assert left >= 9


async def test_a_challenge_that_was_used_meanwhile_opens_no_second_session(ada: App, session: AsyncSession) -> None:
    challenge = await queries.try_challenge(session, digest(await ada.challenge()), now())
    assert challenge is not None
    assert await queries.use_challenge(session, challenge, now())
    assert not await queries.use_challenge(session, challenge, now())


async def test_codes_at_the_same_moment_are_all_counted(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    ada = await set_up(fresh_client, fresh_database)
    challenge = await ada.challenge()
    answers = await asyncio.gather(*(ada.complete(challenge, "AAAA-AAAA-AAAA-AAAA") for _ in range(12)))
    tried = [answer.status_code for answer in answers]
    assert (tried.count(403), tried.count(401)) == (rules.TRIES_OF_A_CHALLENGE, 12 - rules.TRIES_OF_A_CHALLENGE)
