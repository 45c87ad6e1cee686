"""What only real processes show: replicas that share limits, and whose address a request is said to come from."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import text

from shared.db import Database
from shared.settings import Role, Settings

from .conftest import bearer
from .replicas import STAFF_PASSWORD, Replicas

STAFF = "ops@example.com"
PROXY = "127.0.0.1"


@pytest.fixture
def replicas(fresh_database: Database, tmp_path: Path) -> Iterator[Replicas]:
    made = Replicas(fresh_database.url, tmp_path, [])
    yield made
    made.stop()


def client(at: str | None = None) -> httpx.AsyncClient:
    """One that connects from this address of the machine's."""
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address=at), trust_env=False, timeout=30)


async def log_in(http: httpx.AsyncClient, url: str, email: str, forwarded: str | None = None) -> httpx.Response:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    told = {"email": email, "password": STAFF_PASSWORD}
    return await http.post(f"{url}/identity/v1/login", json=told, headers=headers)


async def address_of_last_session(database: Database) -> str | None:
    async with database.read() as session:
        found: str | None = await session.scalar(text("select address from refresh_tokens order by id desc limit 1"))
        return found


async def test_two_replicas_count_together(replicas: Replicas) -> None:
    first, second = replicas.start(), replicas.start()
    async with client() as http:
        attempts = (log_in(http, url, "nobody@example.com") for url in (first, second) * 10)
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*attempts))
        assert statuses == {401: 5, 429: 15}
        assert {(await log_in(http, url, "nobody@example.com")).status_code for url in (first, second)} == {429}


async def test_through_the_gateway_a_client_is_its_own_address_and_not_what_it_claims(
    replicas: Replicas, fresh_database: Database
) -> None:
    gateway = replicas.gateway(replicas.start(MDH_TRUSTED_PROXIES=PROXY))
    replicas.make_staff(STAFF)
    async with client("127.0.0.5") as http, client("127.0.0.6") as other:
        for claimed in (None, "203.0.113.9", "203.0.113.9, 127.0.0.1", "127.0.0.1", "", "nonsense"):
            tokens = await log_in(http, gateway, STAFF, claimed)
            assert tokens.status_code == 200
            assert await address_of_last_session(fresh_database) == "127.0.0.5", claimed
        page = await http.get(f"{gateway}/identity/v1/sessions", headers=bearer(tokens))
        assert {session["address"] for session in page.json()["items"]} == {"127.0.0.5"}
        answers = [await log_in(http, gateway, f"a{number}@example.com", f"203.0.113.{number}") for number in range(15)]
        assert [answer.status_code for answer in answers] == [401] * 14 + [429], "twenty, whatever it claims"
        [wait] = answers[-1].headers.get_list("Retry-After")
        assert int(wait) > 1, "as identity says it, not as the gateway does for its own"
        assert (answers[-1].json()["type"], answers[-1].headers["RateLimit-Limit"]) == (
            "/problems/too-many-attempts",
            "20",
        )
        assert (await log_in(other, gateway, "a@example.com")).status_code == 401


async def test_of_a_chain_the_last_address_counts_that_no_proxy_has(
    replicas: Replicas, fresh_database: Database
) -> None:
    identity = replicas.start(MDH_TRUSTED_PROXIES=f"{PROXY}, 10.0.0.0/8")
    replicas.make_staff(STAFF)
    async with client() as http:
        for chain, address in (
            ("203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
            ("2001:db8::9", "2001:db8::9"),
            ("::ffff:203.0.113.8", "203.0.113.8"),
            ("6.6.6.6, nonsense", None),
        ):
            assert (await log_in(http, identity, STAFF, chain)).status_code == 200
            assert await address_of_last_session(fresh_database) == address


async def test_without_a_trusted_proxy_no_header_is_believed(replicas: Replicas, fresh_database: Database) -> None:
    """What `MDH_TRUSTED_PROXIES` is for: without it everybody behind the gateway is one address."""
    identity = replicas.start()
    gateway = replicas.gateway(identity)
    replicas.make_staff(STAFF)
    async with client("127.0.0.5") as http:
        for url, address in ((identity, "127.0.0.5"), (gateway, "127.0.0.1")):
            assert (await log_in(http, url, STAFF, "203.0.113.9")).status_code == 200
            assert await address_of_last_session(fresh_database) == address


@pytest.mark.parametrize("proxies", ["*", "gateway", "10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.1;10.0.0.2", "unix:"])
def test_a_proxy_is_an_address_or_a_network_and_not_everybody(proxies: str) -> None:
    with pytest.raises(ValidationError):
        Settings(database_url="x", jwks_url="x", role=Role.API, trusted_proxies=proxies)


@pytest.mark.parametrize("proxies", ["", "10.0.0.1", "10.0.0.1, 10.1.0.0/16,2001:db8::/32"])
def test_proxies_may_be_several_or_none(proxies: str) -> None:
    assert Settings(database_url="x", jwks_url="x", role=Role.API, trusted_proxies=proxies).trusted_proxies == proxies
