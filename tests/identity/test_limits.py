"""How often somebody may try. Time passes by moving the rows, not by waiting."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.api.request import CurrentLimits
from services.identity.domain.limits import (
    CONFIRM,
    HOUR,
    LOGIN,
    REGISTER,
    Allowance,
    Per,
    Standing,
    network_of,
    plain_address,
    tightest,
)
from services.identity.jobs import forget_old_attempts
from services.identity.passwords import Passwords
from services.identity.queries.limits import use_up
from shared.db import Database, Session
from shared.errors import Forbidden
from shared.testing.databases import counted_statements
from shared.testing.tokens import Signer

from .conftest import EMAIL, PASSWORD, problem_of, registered, registration

ACCOUNT_ONLY = LOGIN[1:2]
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"
WRONG = PASSWORD + "!"
EARLIER = text(
    "update attempts set renews_at = renews_at - make_interval(secs => :seconds),"
    " forgotten_at = forgotten_at - make_interval(secs => :seconds),"
    " updated_at = updated_at - make_interval(secs => :seconds)"
)
UseUp = Callable[..., Awaitable[list[Standing]]]
From = Callable[[str], httpx.AsyncClient]


@pytest.fixture(scope="session")
def extra_settings(run_directory: Path, signer: Signer) -> dict[str, Any]:
    """The limits as they are in production."""
    return {"signing_keys_dir": signer.write_private_key(run_directory / "signing-keys")}


@pytest_asyncio.fixture
async def at(make_app: Callable[[Database], FastAPI], fresh_database: Database) -> AsyncIterator[From]:
    """A client at this address."""
    app = make_app(fresh_database)
    async with AsyncExitStack() as open_clients:
        made: dict[str, httpx.AsyncClient] = {}

        def at(address: str) -> httpx.AsyncClient:
            if address not in made:
                transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
                made[address] = httpx.AsyncClient(transport=transport, base_url="http://test")
                open_clients.push_async_callback(made[address].aclose)
            return made[address]

        yield at


async def log_in(http: httpx.AsyncClient, email: str = EMAIL, password: str = WRONG) -> httpx.Response:
    return await http.post("/identity/v1/login", json={"email": email, "password": password})


async def tries(http: httpx.AsyncClient, times: int, email: str = EMAIL) -> list[int]:
    return [(await log_in(http, email)).status_code for _ in range(times)]


async def register(http: httpx.AsyncClient, email: str = EMAIL) -> httpx.Response:
    return await http.post("/identity/v1/register", json=registration(email=email))


async def pass_time(database: Database, seconds: int) -> None:
    """As if all that was tried had been tried so much earlier."""
    async with database.begin() as session:
        await session.execute(EARLIER, {"seconds": seconds})


def told(answer: httpx.Response) -> tuple[int, int, int]:
    limit, left, reset = (int(answer.headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))
    return limit, left, reset


# -- rules --


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:0:1:a:b:c:d", "2001:db8:0:1::/64"),
        ("2001:db8::1:0:0:0:9", "2001:db8:0:1::/64"),
        ("2001:0db8:0000:0002::1", "2001:db8:0:2::/64"),
        ("localhost", ""),
        ("1.2.3.4:5", ""),
        (None, ""),
    ],
)
async def test_an_address_is_counted_by_its_network_in_python_and_in_sql(
    address: str | None, network: str, session: AsyncSession
) -> None:
    plain = plain_address(address)
    assert network_of(plain) == network
    [[said]] = await session.execute(text("select cast(network_of(:address) as text)"), {"address": plain})
    assert (said or "") == network


def test_the_tightest_allowance_is_told() -> None:
    standing = Standing
    assert tightest([standing(3, 20, 50), standing(2, 5, 60)]) == standing(2, 5, 60)
    assert tightest([standing(19, 20, 50), standing(2, 5, 60)]) == standing(19, 20, 50)
    assert tightest([standing(6, 5, 60), standing(30, 30, 1800)]) == standing(6, 5, 60)
    assert tightest([standing(6, 5, 60), standing(31, 30, 1800)]) == standing(31, 30, 1800)


# -- logging in --


async def test_five_attempts_a_minute_for_an_account_then_a_problem_that_says_how_long(
    at: From, fresh_database: Database
) -> None:
    await registered(at(HERE), fresh_database)
    answers = [await log_in(at(HERE)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert [told(answer)[:2] for answer in answers] == [(5, left) for left in (4, 3, 2, 1, 0, 0)]
    assert problem_of(answers[-1]) == (429, "too-many-attempts")
    wait = int(answers[-1].headers["Retry-After"])
    assert 0 < wait <= 60
    assert wait == told(answers[-1])[2] == answers[-1].json()["retry_after"]
    assert not any("Retry-After" in answer.headers for answer in answers[:-1])


async def test_a_success_tells_the_limit_too(at: From, fresh_database: Database) -> None:
    await registered(at(HERE), fresh_database)
    answer = await log_in(at(HERE), password=PASSWORD)
    assert (answer.status_code, told(answer)[:2]) == (200, (5, 4))


async def test_an_unknown_account_is_limited_in_the_same_way(at: From, fresh_database: Database) -> None:
    await registered(at(HERE), fresh_database)

    async def seen(email: str) -> list[tuple[object, ...]]:
        answers = [await log_in(at(ELSEWHERE), email) for _ in range(7)]
        names = ("RateLimit-Limit", "RateLimit-Remaining")
        return [(answer.status_code, *(answer.headers[name] for name in names)) for answer in answers]

    assert await seen(EMAIL) == await seen("nobody@example.com")


async def test_the_right_password_does_not_help_in_the_pause(at: From, fresh_database: Database) -> None:
    await registered(at(HERE), fresh_database)
    await tries(at(HERE), 5)
    assert problem_of(await log_in(at(HERE), password=PASSWORD)) == (429, "too-many-attempts")


async def test_what_is_refused_costs_neither_a_hash_nor_a_look_at_the_account(
    at: From, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tries(at(HERE), 5)
    monkeypatch.setattr(Passwords, "match", None)
    with counted_statements(fresh_database) as sent:
        assert await tries(at(HERE), 1) == [429]
    assert len(sent) == 1


async def test_after_the_pause_there_are_five_again(at: From, fresh_database: Database) -> None:
    assert await tries(at(HERE), 6) == [401] * 5 + [429]
    await pass_time(fresh_database, 61)
    assert await tries(at(HERE), 6) == [401] * 5 + [429]


async def test_pauses_grow_to_a_quarter_of_an_hour_and_no_further(fresh_database: Database) -> None:
    pauses = []
    for _ in range(7):
        async with fresh_database.read() as session:
            for _ in range(6):
                [last] = await use_up(session, ACCOUNT_ONLY, address=HERE, subject=EMAIL, times=1)
        assert last.refused
        pauses.append(last.renews_in)
        await pass_time(fresh_database, pauses[-1])
    assert [round(pause / 60) for pause in pauses] == [1, 2, 4, 8, 15, 15, 15]


async def test_what_is_tried_in_a_pause_does_not_prolong_it(at: From, fresh_database: Database) -> None:
    await tries(at(HERE), 5)
    await pass_time(fresh_database, 40)
    waits = [int((await log_in(at(HERE))).headers["Retry-After"]) for _ in range(10)]
    assert all(wait <= 20 for wait in waits)
    await pass_time(fresh_database, 20)
    assert await tries(at(HERE), 1) == [401]


async def test_after_a_quiet_while_pauses_are_short_again(at: From, fresh_database: Database) -> None:
    for _ in range(3):
        await tries(at(HERE), 6)
        await pass_time(fresh_database, 15 * 60)
    await pass_time(fresh_database, 45 * 60)
    await tries(at(HERE), 5)
    assert int((await log_in(at(HERE))).headers["Retry-After"]) <= 60


async def test_who_keeps_just_below_five_a_minute_gets_thirty_an_hour(at: From, fresh_database: Database) -> None:
    statuses: Counter[int] = Counter()
    for _ in range(10):
        statuses.update(await tries(at(HERE), 4))
        await pass_time(fresh_database, 61)
    assert statuses == {401: 30, 429: 10}


async def test_twenty_attempts_a_minute_from_an_address(at: From) -> None:
    answers = [(await tries(at(HERE), 1, f"a{number}@example.com"))[0] for number in range(22)]
    assert answers == [401] * 20 + [429] * 2
    assert await tries(at(ELSEWHERE), 1) == [401]


async def test_an_address_that_may_not_try_uses_up_nobodys_allowance(at: From) -> None:
    for number in range(20):
        await tries(at(HERE), 1, f"a{number}@example.com")
    assert await tries(at(HERE), 10) == [429] * 10
    assert told(await log_in(at(ELSEWHERE)))[1] == 4


async def test_whoever_signed_in_from_an_address_before_is_not_locked_out_by_strangers(
    at: From, fresh_database: Database
) -> None:
    await registered(at(HERE), fresh_database)
    assert (await log_in(at(HERE), password=PASSWORD)).status_code == 200  # as a stranger: the first of five
    assert await tries(at(ELSEWHERE), 5) == [401] * 4 + [429]
    assert (await log_in(at(ELSEWHERE), password=PASSWORD)).status_code == 429
    assert (await log_in(at(HERE), password=PASSWORD)).status_code == 200
    assert await tries(at(HERE), 6) == [401] * 5 + [429], "an allowance of its own, not none"


async def test_signing_in_gives_a_new_allowance(at: From, fresh_database: Database) -> None:
    await registered(at(HERE), fresh_database)
    for _ in range(3):
        await tries(at(HERE), 4)
        assert (await log_in(at(HERE), password=PASSWORD)).status_code == 200
    assert told(await log_in(at(HERE)))[:2] == (5, 4)


async def test_a_household_with_ipv6_is_one_address(at: From, fresh_database: Database) -> None:
    await registered(at("2001:db8:0:1::1"), fresh_database)
    await log_in(at("2001:db8:0:1::1"), password=PASSWORD)
    assert await tries(at(ELSEWHERE), 5) == [401] * 4 + [429]
    assert (await log_in(at("2001:db8:0:1:ffff::2"), password=PASSWORD)).status_code == 200
    for number in range(20):
        await tries(at(f"2001:db8:0:3::{number}"), 1, f"a{number}@example.com")
    assert await tries(at("2001:db8:0:3:ffff::"), 1, "other@example.com") == [429]
    assert await tries(at("2001:db8:0:4::1"), 1, "other@example.com") == [401]


# -- exchanging API keys --


async def exchange(http: httpx.AsyncClient, key: str) -> int:
    return (await http.post("/identity/v1/tokens", json={"api_key": key})).status_code


async def test_thirty_exchanges_a_minute_for_a_key_and_sixty_from_an_address(at: From) -> None:
    key, similar = (f"mdh_live_aaaaaaaa_{last * 43}" for last in "ab")
    assert [await exchange(at(HERE), key) for _ in range(32)] == [401] * 30 + [429] * 2
    assert await exchange(at(ELSEWHERE), similar) == 401
    assert [await exchange(at(HERE), f"mdh_live_{n:08}_{'a' * 43}") for n in range(30)] == [401] * 28 + [429] * 2


# -- registering --


async def test_a_password_that_is_too_common_uses_nothing_up(at: From) -> None:
    wanted = registration(password="password1234")
    answers = [await at(HERE).post("/identity/v1/register", json=wanted) for _ in range(7)]
    assert {answer.status_code for answer in answers} == {422}
    assert (await register(at(HERE))).is_success


async def test_five_accounts_an_hour_from_an_address(at: From, fresh_database: Database) -> None:
    answers = [await register(at(HERE), f"a{number}@example.com") for number in range(6)]
    assert [answer.status_code for answer in answers] == [answers[0].status_code] * 5 + [429]
    assert told(answers[0])[:2] == (5, 4)
    assert 3000 < int(answers[-1].headers["Retry-After"]) <= 3600
    await pass_time(fresh_database, 3600)
    assert (await register(at(HERE), "late@example.com")).is_success


async def test_three_resets_an_hour_for_an_address_whether_it_has_an_account_or_not(
    at: From, fresh_database: Database
) -> None:
    await registered(at(HERE), fresh_database)
    for email, place in ((EMAIL, ELSEWHERE), ("nobody@example.com", "198.51.100.10")):
        asked = [await at(place).post("/identity/v1/password/resets", json={"email": email}) for _ in range(4)]
        assert [answer.status_code for answer in asked] == [202] * 3 + [429]
        assert len({answer.content for answer in asked[:3]}) == 1


async def test_within_a_transaction_only_what_succeeds_counts(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> None:
    app = make_app(fresh_database)

    @app.post("/invite")
    async def invite(limits: CurrentLimits, session: Session, succeed: bool) -> None:
        await session.execute(text("select 1"))  # so that it holds a connection
        await limits.spend([Allowance("test", Per.SUBJECT, 2, HOUR)], 7, within=session)
        if not succeed:
            raise Forbidden

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:

        async def asked(succeed: bool) -> tuple[int, str]:
            answer = await http.post("/invite", params={"succeed": succeed})
            return answer.status_code, answer.headers["RateLimit-Remaining"]

        assert [await asked(False) for _ in range(3)] == [(403, "1")] * 3
        assert [await asked(True) for _ in range(4)] == [(200, "1"), (200, "0"), (429, "0"), (429, "0")]
        await pass_time(fresh_database, 3600)
        at_once = await asyncio.gather(*(asked(True) for _ in range(60)))
    assert Counter(status for status, _ in at_once) == {200: 2, 429: 58}, "twenty connections serve sixty requests"


# -- shared, hidden, forgotten --


async def passed(database: Database, tasks: int, use_up: UseUp = use_up) -> int:
    async def one() -> bool:
        async with database.read() as session:
            return not tightest(await use_up(session, LOGIN, address=HERE, subject=EMAIL, times=1)).refused

    return sum(await asyncio.gather(*(one() for _ in range(tasks))))


async def test_of_a_hundred_attempts_at_once_exactly_five_pass(fresh_database: Database) -> None:
    assert await passed(fresh_database, 100) == 5


async def test_a_limiter_that_looks_first_and_counts_then_is_seen_to_let_more_pass(
    fresh_database: Database,
) -> None:
    """The negative control of the test above."""
    everybody = asyncio.Barrier(10)

    async def look_then_count(session: AsyncSession, *_: Any, **given: Any) -> list[Standing]:
        found = await session.scalar(text("select max(used) from attempts"))
        await everybody.wait()
        await use_up(session, ACCOUNT_ONLY, address=given["address"], subject=given["subject"], times=100)
        return [Standing((found or 0) + 1, 5, 60)]

    assert await passed(fresh_database, 10, look_then_count) > 5


async def test_parallel_attempts_on_many_accounts_from_many_addresses_do_not_block_each_other(
    fresh_database: Database,
) -> None:
    async def one(number: int) -> None:
        async with fresh_database.read() as session:
            address = f"192.0.2.{number % 3}"
            await use_up(session, LOGIN, address=address, subject=f"a{number % 4}@example.com", times=1)

    await asyncio.gather(*(one(number) for number in range(120)))


async def test_who_tried_what_cannot_be_read(at: From, fresh_database: Database) -> None:
    await registered(at(HERE), fresh_database)
    await log_in(at(HERE))
    async with fresh_database.read() as session:
        rows = (await session.execute(text("select attempts::text from attempts"))).scalars().all()
    assert len(rows) == len(LOGIN) + len(REGISTER) + len(CONFIRM)  # the address was verified with the password
    assert not [row for row in rows if EMAIL in row or HERE in row or EMAIL.encode().hex() in row]


async def test_an_allowance_that_is_whole_again_is_forgotten(at: From, fresh_database: Database) -> None:
    await tries(at(HERE), 1)
    await registered(at(HERE), fresh_database)

    async def names_left() -> set[str]:
        async with fresh_database.begin() as session:
            await forget_old_attempts(session)
            return set((await session.scalars(text("select name from attempts"))).all())

    everything = {allowance.name for allowance in (*LOGIN, *REGISTER, *CONFIRM)}
    assert await names_left() == everything
    await pass_time(fresh_database, 60)
    assert await names_left() == everything, "their strikes are remembered"
    await pass_time(fresh_database, 15 * 60)
    assert await names_left() == {"login account long", "register address"}
    await pass_time(fresh_database, 3600)
    assert await names_left() == set()


async def test_forgetting_waits_for_nobody(fresh_database: Database) -> None:
    once = [Allowance("x", Per.SUBJECT, 1, REGISTER[0].within)]
    async with fresh_database.read() as session:
        await use_up(session, once, address=None, subject="a", times=1)
        await use_up(session, once, address=None, subject="b", times=1)
    await pass_time(fresh_database, 3601)
    async with fresh_database.begin() as holding, fresh_database.begin() as session:
        await holding.execute(text("select from attempts limit 1 for update"))
        await forget_old_attempts(session)
        assert await session.scalar(text("select count(*) from attempts")) == 1


async def test_operators_may_multiply_every_limit(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> None:
    app = make_app(fresh_database)
    app.state.settings = app.state.settings.model_copy(update={"limits_times": 2})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        assert await tries(http, 11) == [401] * 10 + [429]
