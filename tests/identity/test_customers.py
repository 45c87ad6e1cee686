"""What customers keep here: where somebody is to come to, what is to be cleaned there, and what they agree to."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import Customer, User, UserRole
from services.identity.domain.address import Address
from services.identity.domain.consent import ConsentChange
from services.identity.domain.vehicle import Vehicle
from shared.auth import Actor, Role
from shared.clock import frozen
from shared.contracts.identity import ConsentChanged
from shared.db import Database
from shared.testing.plugin import Headers, Published
from shared.vehicles import SizeClass

from .conftest import problem_of

Statements = Callable[[], AbstractContextManager[list[str]]]
As = Callable[[Actor], Headers]
ADDRESSES, VEHICLES, CONSENT = (
    "/identity/v1/me/addresses",
    "/identity/v1/me/vehicles",
    "/identity/v1/me/consents/marketing",
)
HOME = {"label": "Home", "line1": "1 Main St", "zip": "11201", "access_notes": "Gate code 4711"}
CAR = {"year": 2021, "make": "Subaru", "model": "Outback", "size_class": "wagon", "color": "green"}
YES = {"email": True, "sms": False, "wording": "2026-11"}
NO = {"email": False, "sms": False}


@dataclass
class Person:
    """A customer, and what they ask."""

    client: httpx.AsyncClient
    headers: Headers
    customer_id: int
    user_id: int

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        content = {} if body is None else {"json": body}
        return await self.client.request(method, path, headers=self.headers | headers, **content)

    async def save(self, path: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = await self.ask("POST", path, body | more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def all(self, path: str) -> list[dict[str, Any]]:
        return list((await self.ask("GET", path)).json()["items"])

    async def defaults(self) -> list[str]:
        return [one["label"] for one in await self.all(ADDRESSES) if one["is_default"]]


async def somebody(client: httpx.AsyncClient, database: Database, as_: As, name: str) -> Person:
    user = User(email=f"{name}@example.com", role=UserRole.CUSTOMER, full_name=name, locale="en-US", timezone="UTC")
    async with database.begin() as session:
        session.add(user)
        await session.flush()
        customer = Customer(user_id=user.id)
        session.add(customer)
    actor = Actor(user_id=user.id, customer_id=customer.id, roles=frozenset({Role.CUSTOMER}))
    return Person(client, as_(actor) | {"User-Agent": "Firefox"}, customer.id, user.id)


@pytest.fixture
async def ada(client: httpx.AsyncClient, database: Database, as_: As) -> Person:
    return await somebody(client, database, as_, "ada")


@pytest.fixture
async def bob(client: httpx.AsyncClient, database: Database, as_: As) -> Person:
    return await somebody(client, database, as_, "bob")


@pytest.fixture
async def real_ada(fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As) -> Person:
    return await somebody(fresh_client, fresh_database, as_, "ada")


async def test_an_address_gets_its_place_from_the_zip_code(ada: Person) -> None:
    answer = await ada.ask("POST", ADDRESSES, HOME)
    saved = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert (saved["city"], saved["state"], round(saved["latitude"]), round(saved["longitude"])) == (
        "Brooklyn", "NY", 41, -74,
    )  # fmt: skip
    again = await ada.ask("GET", answer.headers["location"])
    assert (again.json(), again.headers["etag"]) == (saved, '"1"')


async def test_it_moves_with_another_zip_code(ada: Person) -> None:
    saved = await ada.save(ADDRESSES, HOME)
    answer = await ada.ask("PUT", f"{ADDRESSES}/{saved['id']}", HOME | {"zip": "60601", "access_notes": None})
    moved = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert (moved["city"], moved["state"], moved["access_notes"]) == ("Chicago", "IL", None)
    assert moved["updated_at"] > saved["updated_at"]


async def test_one_address_is_the_default_whatever_happens(ada: Person) -> None:
    home = await ada.save(ADDRESSES, HOME)
    work = await ada.save(ADDRESSES, HOME, label="Work")
    assert await ada.defaults() == ["Home"]
    gym = await ada.save(ADDRESSES, HOME, label="Gym", is_default=True)
    assert await ada.defaults() == ["Gym"]
    await ada.ask("PUT", f"{ADDRESSES}/{work['id']}", HOME | {"label": "Work", "is_default": True})
    assert await ada.defaults() == ["Work"]
    await ada.ask("PUT", f"{ADDRESSES}/{work['id']}", HOME | {"label": "Work", "is_default": False})
    assert await ada.defaults() == ["Work"]
    assert (await ada.ask("DELETE", f"{ADDRESSES}/{work['id']}")).status_code == 204
    assert await ada.defaults() == ["Home"]
    for left in (home, gym):
        await ada.ask("DELETE", f"{ADDRESSES}/{left['id']}")
    assert await ada.all(ADDRESSES) == []


@pytest.mark.parametrize("path", [ADDRESSES, VEHICLES])
async def test_what_is_anothers_does_not_exist(ada: Person, bob: Person, path: str) -> None:
    body = HOME if path == ADDRESSES else CAR
    hers = f"{path}/{(await ada.save(path, body))['id']}"
    code = "no-such-address" if path == ADDRESSES else "no-such-vehicle"
    for answer in [await bob.ask("GET", hers), await bob.ask("PUT", hers, body), await bob.ask("DELETE", hers)]:
        assert problem_of(answer) == (404, code)
    assert (await bob.all(path), len(await ada.all(path))) == ([], 1)


@pytest.mark.parametrize("path", [ADDRESSES, VEHICLES])
async def test_what_was_changed_meanwhile_is_not_overwritten(ada: Person, path: str) -> None:
    body = HOME if path == ADDRESSES else CAR
    one = f"{path}/{(await ada.save(path, body))['id']}"
    assert (await ada.ask("PUT", one, body, **{"If-Match": '"1"'})).headers["etag"] == '"2"'
    for method, told in (("PUT", body), ("DELETE", None)):
        assert problem_of(await ada.ask(method, one, told, **{"If-Match": '"1"'})) == (412, "precondition-failed")
    assert (await ada.ask("DELETE", one, **{"If-Match": '"2"'})).status_code == 204


@pytest.mark.parametrize("path", [ADDRESSES, VEHICLES, CONSENT, f"{CONSENT}/history"])
async def test_each_is_read_with_one_statement(ada: Person, statements: Statements, path: str) -> None:
    await ada.save(ADDRESSES, HOME)
    await ada.save(VEHICLES, CAR)
    await ada.ask("PUT", CONSENT, YES)
    with statements() as sent:
        assert (await ada.ask("GET", path)).status_code == 200
    assert len(sent) == 1


@pytest.mark.parametrize("path", [ADDRESSES, VEHICLES])
async def test_sent_again_with_its_key_it_is_saved_once(ada: Person, path: str) -> None:
    body = HOME if path == ADDRESSES else CAR
    first, again = [await ada.ask("POST", path, body, **{"Idempotency-Key": "one"}) for _ in range(2)]
    assert (first.status_code, again.content) == (201, first.content)
    assert len(await ada.all(path)) == 1


@pytest.mark.parametrize("path", [ADDRESSES, VEHICLES, CONSENT, f"{CONSENT}/history"])
async def test_who_is_no_customer_keeps_nothing_here(client: httpx.AsyncClient, as_: As, path: str) -> None:
    assert problem_of(await client.get(path, headers=as_(Actor(user_id=1)))) == (403, "customers-only")


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        (ADDRESSES, HOME | {"zip": "00000"}, "unknown-zip"),
        (ADDRESSES, HOME | {"zip": "09001"}, "unknown-zip"),
        (ADDRESSES, HOME | {"zip": "1120"}, "invalid-request"),
        (ADDRESSES, HOME | {"zip": "11201-1234"}, "invalid-request"),
        (ADDRESSES, HOME | {"zip": "١١٢٠١"}, "invalid-request"),
        (ADDRESSES, HOME | {"line1": "1 Main\r\nSt"}, "invalid-request"),
        (ADDRESSES, HOME | {"label": ""}, "invalid-request"),
        (ADDRESSES, HOME | {"latitude": 1.0}, "invalid-request"),
        (ADDRESSES, HOME | {"is_default": "yes"}, "invalid-request"),
        (ADDRESSES, HOME | {"customer_id": 2}, "invalid-request"),
        (VEHICLES, CAR | {"year": 1899}, "invalid-request"),
        (VEHICLES, CAR | {"year": 2199}, "no-such-year"),
        (VEHICLES, CAR | {"year": "2021"}, "invalid-request"),
        (VEHICLES, CAR | {"size_class": "tank"}, "invalid-request"),
        (VEHICLES, CAR | {"make": "a\x00b"}, "invalid-request"),
        (VEHICLES, CAR | {"deleted_at": None}, "invalid-request"),
        (CONSENT, {"email": True, "sms": False}, "wording-missing"),
        (CONSENT, {"email": 1, "sms": False}, "invalid-request"),
        (CONSENT, {"email": True, "wording": "2026-11"}, "invalid-request"),
        (CONSENT, YES | {"push": True}, "invalid-request"),
    ],
)
async def test_bad_input_keeps_nothing(
    ada: Person, session: AsyncSession, published: Published, path: str, body: dict[str, Any], refusal: str
) -> None:
    answer = await ada.ask("PUT" if path == CONSENT else "POST", path, body)
    assert problem_of(answer) == (422, refusal)
    for kind in (Address, Vehicle, ConsentChange):
        assert await session.scalar(select(func.count()).select_from(kind)) == 0
    assert await published() == []


@pytest.mark.parametrize(("year", "status"), [(1900, 201), (2026, 201), (2027, 201), (2028, 422)])
async def test_next_years_models_are_the_newest(ada: Person, year: int, status: int) -> None:
    with frozen(datetime(2026, 12, 31, tzinfo=UTC)):
        answer = await ada.client.post(VEHICLES, json=CAR | {"year": year}, headers=ada.headers)
    assert answer.status_code == status


@pytest.mark.parametrize("size_class", [each.value for each in SizeClass])
async def test_the_database_knows_every_size_class(ada: Person, size_class: str) -> None:
    assert (await ada.save(VEHICLES, CAR, size_class=size_class))["size_class"] == size_class


async def test_a_vehicle_is_changed_and_deleted_but_kept(ada: Person, session: AsyncSession) -> None:
    path = f"{VEHICLES}/{(await ada.save(VEHICLES, CAR))['id']}"
    changed = await ada.ask("PUT", path, CAR | {"license_plate": "ABC 123", "condition_notes": "Dog hair"})
    assert (changed.json()["license_plate"], changed.headers["etag"]) == ("ABC 123", '"2"')
    assert (await ada.ask("DELETE", path)).status_code == 204
    assert problem_of(await ada.ask("GET", path)) == (404, "no-such-vehicle")
    assert problem_of(await ada.ask("DELETE", path)) == (404, "no-such-vehicle")
    assert await ada.all(VEHICLES) == []
    assert await session.scalar(select(func.count()).select_from(Vehicle).where(Vehicle.deleted_at.is_not(None))) == 1


@pytest.mark.parametrize(("path", "code"), [(ADDRESSES, "too-many-addresses"), (VEHICLES, "too-many-vehicles")])
async def test_of_the_twenty_first_at_the_same_moment_none_gets_in(real_ada: Person, path: str, code: str) -> None:
    body = HOME if path == ADDRESSES else CAR
    for _ in range(18):
        await real_ada.save(path, body)
    answers = await asyncio.gather(*(real_ada.ask("POST", path, body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    assert {problem_of(answer) for answer in answers if answer.status_code == 409} == {(409, code)}
    assert len((await real_ada.ask("GET", f"{path}?limit=100")).json()["items"]) == 20


async def test_of_two_new_defaults_at_the_same_moment_one_is_it(real_ada: Person) -> None:
    await real_ada.save(ADDRESSES, HOME)
    saves: list[Awaitable[httpx.Response]] = [
        real_ada.ask("POST", ADDRESSES, HOME | {"label": f"Place {n}", "is_default": True}) for n in range(5)
    ]
    assert {answer.status_code for answer in await asyncio.gather(*saves)} == {201}
    assert len(await real_ada.defaults()) == 1


async def test_the_database_itself_has_one_default(ada: Person, session: AsyncSession) -> None:
    await ada.save(ADDRESSES, HOME)
    second = text(
        "insert into customer_addresses (customer_id, label, line1, city, state, zip, latitude, longitude, is_default)"
        " select customer_id, label, line1, city, state, zip, latitude, longitude, true from customer_addresses"
    )
    with pytest.raises(IntegrityError, match="customer_addresses_one_default"):
        async with session.begin_nested():
            await session.execute(second)


async def test_nobody_who_was_not_asked_has_agreed(ada: Person) -> None:
    answer = await ada.ask("GET", CONSENT)
    assert (answer.json(), answer.headers["etag"]) == ({"version": 0, "email": False, "sms": False}, '"0"')
    assert await ada.all(f"{CONSENT}/history") == []


async def test_consent_is_given_and_taken_back_as_easily_and_its_history_stays(
    ada: Person, published: Published
) -> None:
    given = await ada.ask("PUT", CONSENT, YES, **{"If-Match": '"0"'})
    assert (given.json(), given.headers["etag"]) == ({"version": 1, "email": True, "sms": False}, '"1"')
    again = await ada.ask("PUT", CONSENT, YES)
    assert again.headers["etag"] == '"1"'
    taken = await ada.ask("PUT", CONSENT, NO, **{"If-Match": '"1"'})
    assert taken.json() == {"version": 2, "email": False, "sms": False}
    history = await ada.all(f"{CONSENT}/history")
    assert [(one["channel"], one["granted"], one["wording"], one["user_agent"]) for one in history] == [
        ("email", False, None, "Firefox"), ("email", True, "2026-11", "Firefox"),
    ]  # fmt: skip
    assert history[0]["address"] == "127.0.0.1"
    assert [(e.version, e.customer_id, e.user_id, e.email, e.sms) for e in await published(ConsentChanged)] == [
        (1, ada.customer_id, ada.user_id, True, False), (2, ada.customer_id, ada.user_id, False, False),
    ]  # fmt: skip


async def test_consent_that_was_changed_meanwhile_is_not_overwritten(ada: Person) -> None:
    await ada.ask("PUT", CONSENT, YES)
    assert problem_of(await ada.ask("PUT", CONSENT, NO, **{"If-Match": '"0"'})) == (412, "precondition-failed")


async def test_consents_at_the_same_moment_are_one_after_the_other(real_ada: Person) -> None:
    both = {"email": True, "sms": True, "wording": "2026-11"}
    answers = await asyncio.gather(*(real_ada.ask("PUT", CONSENT, body) for body in (both, NO) * 3))
    assert {answer.status_code for answer in answers} == {200}
    history = await real_ada.all(f"{CONSENT}/history")
    assert len(history) == 2 * (await real_ada.ask("GET", CONSENT)).json()["version"]


async def test_support_agrees_to_nothing_in_anybodys_name(ada: Person, as_: As) -> None:
    acting = as_(Actor(user_id=ada.user_id, customer_id=ada.customer_id, impersonator=1))
    answer = await ada.client.put(CONSENT, json=YES, headers=acting)
    assert problem_of(answer) == (403, "not-while-impersonating")


@pytest.mark.parametrize("statement", ["update consent_changes set granted = true", "delete from consent_changes"])
async def test_what_was_said_cannot_be_unsaid(ada: Person, session: AsyncSession, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with session.begin_nested():
            await session.execute(text(statement))


async def test_where_it_came_from_can_be_blotted_out(ada: Person, session: AsyncSession) -> None:
    await ada.ask("PUT", CONSENT, YES)
    await session.execute(text("update consent_changes set address = null, user_agent = null"))
    assert (await ada.all(f"{CONSENT}/history"))[0]["user_agent"] is None
