"""Everything that is held of somebody, gathered by events, for its owner alone and for a day."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.commands.exports import end_exports
from services.identity.domain.export import Export, ExportPart
from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import ExportReady, ExportRequested
from shared.contracts.personal import DataExported
from shared.events import CONTRACTS
from shared.outbox import BusinessEvent
from shared.provision import SERVICES
from shared.testing.plugin import Deliver, Headers, Published

from .conftest import problem_of
from .signed import Signed, signed_in

STATE, PAGE = "/identity/v1/me/export", "/identity/v1/pages/fetch-export"
FETCH = "/identity/v1/exports/fetch"
Told = Callable[..., Awaitable[None]]


def part(service: str, export_id: int, user_id: int, number: int = 1, parts: int = 1, data: str = "{}") -> DataExported:
    contract: Any = CONTRACTS[f"{service}.personal_data_exported.v1"]
    told: DataExported = contract(export_part_id=export_id, version=number, user_id=user_id, parts=parts, data=data)
    return told


@pytest.fixture
async def ada(session: AsyncSession, app: FastAPI, as_: Callable[[Actor], Headers]) -> Signed:
    return await signed_in(session, app, as_, "Ada Marsh")


@pytest.fixture
async def bob(session: AsyncSession, app: FastAPI, as_: Callable[[Actor], Headers]) -> Signed:
    return await signed_in(session, app, as_, "Bob Hull")


@pytest.fixture
def others_tell(deliver: Deliver, published: Published) -> Told:
    """Identity tells its own part, the others nothing but that they have nothing; but for those named."""

    async def tell(*silent: str) -> None:
        [asked] = await published(ExportRequested)
        await deliver(asked)
        for mine in await published(CONTRACTS["identity.personal_data_exported.v1"]):
            await deliver(mine)
        for service in set(SERVICES) - {"identity", *silent}:
            await deliver(part(service, asked.export_id, asked.user_id, data=f'{{"of_{service}": [{{"id": 1}}]}}'))

    return tell


async def test_an_export_waits_for_every_service_and_says_for_whom(
    ada: Signed, client: httpx.AsyncClient, others_tell: Told, published: Published
) -> None:
    begun = await client.post("/identity/v1/me/exports", headers=ada.headers)
    assert (begun.status_code, begun.headers["Cache-Control"]) == (202, "no-store")
    assert set(begun.json()["missing"]) == set(SERVICES)
    await others_tell("booking")
    waiting = await client.get(STATE, headers=ada.headers)
    assert (waiting.status_code, waiting.json()["missing"], waiting.json()["path"]) == (202, ["booking"], None)
    assert await published(ExportReady) == []


async def test_when_all_have_told_it_is_ready_and_its_owner_fetches_it(
    ada: Signed, client: httpx.AsyncClient, others_tell: Told, published: Published
) -> None:
    assert (await client.get(STATE, headers=ada.headers)).status_code == 202  # reading starts one, too
    await others_tell()
    state = await client.get(STATE, headers=ada.headers)
    assert (state.status_code, state.json()["missing"]) == (200, [])
    archive = await client.get(state.json()["path"], headers=ada.headers)
    assert (archive.status_code, archive.headers["Cache-Control"]) == (200, "no-store")
    services = archive.json()["services"]
    assert set(services) == set(SERVICES)
    assert services["booking"] == {"of_booking": [{"id": 1}]}
    [me] = services["identity"]["users"]
    assert (me["email"], me["full_name"]) == (ada.email, "Ada Marsh")
    assert "password_hash" not in me
    [told] = await published(ExportReady)
    assert (told.email, told.secret in state.text) == (ada.email, False)


async def test_the_link_of_the_mail_leads_to_a_button_that_delivers_the_file_without_any_session(
    ada: Signed, client: httpx.AsyncClient, others_tell: Told, published: Published
) -> None:
    await client.get(STATE, headers=ada.headers)
    await others_tell()
    [told] = await published(ExportReady)
    page = await client.get(PAGE, params={"token": told.secret})
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "no-referrer")
    assert '<form method="post" action="fetch-export">' in page.text
    assert f'name="token" value="{told.secret}"' in page.text
    file = await client.post(PAGE, data={"token": told.secret})
    assert (file.status_code, file.headers["content-type"]) == (200, "application/json")
    assert file.headers["content-disposition"] == 'attachment; filename="mobile-detail-hub.json"'
    assert file.headers["cache-control"] == "no-store"
    by_front_end = await client.post(FETCH, json={"token": told.secret})
    assert file.json() == by_front_end.json()
    assert file.json()["services"]["identity"]["users"][0]["email"] == ada.email


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\u0661" * 43, '"><script>'])
async def test_a_link_to_no_export_says_so_on_a_page(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post(PAGE, data={"token": token})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such export" in answer.text
    assert "<form" not in answer.text
    assert (await client.post(PAGE, json={"token": token})).status_code == 400


async def test_one_at_a_time_whoever_asks_again_gets_the_same(
    ada: Signed, client: httpx.AsyncClient, published: Published
) -> None:
    first, second = [(await client.post("/identity/v1/me/exports", headers=ada.headers)).json() for _ in range(2)]
    assert first == second
    assert len(await published(ExportRequested)) == 1


async def test_nobody_else_gets_it_whatever_they_have(
    ada: Signed, bob: Signed, client: httpx.AsyncClient, others_tell: Told, as_: Callable[[Actor], Headers]
) -> None:
    await client.get(STATE, headers=ada.headers)
    await others_tell()
    path = (await client.get(STATE, headers=ada.headers)).json()["path"]
    assert problem_of(await client.get(path, headers=bob.headers)) == (404, "no-such-export")
    assert (await client.get(path)).status_code == 401
    impersonated = as_(Actor(user_id=ada.user_id, impersonator=bob.user_id))
    by_key = as_(Actor(user_id=ada.user_id, api_key=3, scopes=frozenset({"identity:read", "identity:write"})))
    for headers in (impersonated, by_key):
        for ask in (client.get(path, headers=headers), client.get(STATE, headers=headers)):
            assert (await ask).status_code == 403


async def test_a_part_that_comes_twice_late_or_out_of_order_changes_nothing(
    ada: Signed, client: httpx.AsyncClient, deliver: Deliver, others_tell: Told, published: Published
) -> None:
    await client.get(STATE, headers=ada.headers)
    [asked] = await published(ExportRequested)
    parts = [
        part("booking", asked.export_id, asked.user_id, number, 2, f'{{"bookings": [{{"id": {number}}}]}}')
        for number in (2, 1)
    ]
    await deliver(parts[0])
    await deliver(parts[0])
    await others_tell("booking")
    assert (await client.get(STATE, headers=ada.headers)).json()["missing"] == ["booking"]
    await deliver(parts[1])
    state = (await client.get(STATE, headers=ada.headers)).json()
    await deliver(parts[1])  # now that nobody waits for it
    await deliver(part("booking", 999, asked.user_id))  # of an export that nobody knows
    archive = (await client.get(state["path"], headers=ada.headers)).json()
    assert archive["services"]["booking"] == {"bookings": [{"id": 1}, {"id": 2}]}
    assert len(await published(ExportReady)) == 1


@pytest.mark.parametrize("silent", [(), ("booking",)])
async def test_after_its_day_it_is_gone_with_all_its_parts(
    ada: Signed,
    client: httpx.AsyncClient,
    others_tell: Told,
    session: AsyncSession,
    published: Published,
    silent: tuple[str, ...],
) -> None:
    await client.get(STATE, headers=ada.headers)
    await others_tell(*silent)
    path = (await client.get(STATE, headers=ada.headers)).json()["path"]
    await session.execute(update(Export).values(expires_at=now() - timedelta(seconds=1)))
    await end_exports(session)
    await session.flush()
    assert await session.scalar(select(func.count()).select_from(ExportPart)) == 0
    assert (path is None) == bool(silent)
    assert (await client.get(f"{STATE}/archive", headers=ada.headers)).status_code == 404
    for ready in await published(ExportReady):
        assert problem_of(await client.post(FETCH, json={"token": ready.secret})) == (404, "no-such-export")
    assert (await client.get(STATE, headers=ada.headers)).status_code == 202  # and a new one has begun


async def test_what_was_gathered_rests_sealed_in_the_trail(
    ada: Signed, client: httpx.AsyncClient, others_tell: Told, session: AsyncSession
) -> None:
    await client.get(STATE, headers=ada.headers)
    await others_tell()
    payloads = await session.scalars(select(BusinessEvent.payload))
    assert not [payload for payload in payloads if ada.email in str(payload) or "Ada Marsh" in str(payload)]
