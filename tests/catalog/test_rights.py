"""Who may change what: nothing of another's."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.auth import Actor, Role
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import OWNER, Json, Made, offer, revision

AFFILIATES = "/catalog/v1/affiliates"
As = Callable[[Actor], Headers]


def of(affiliate: Json) -> str:
    return f"{AFFILIATES}/{affiliate['id']}/services"


def at(service: Json) -> str:
    return f"/catalog/v1/services/{service['id']}"


def _strangers() -> list[tuple[str, Actor]]:
    """Everybody who has no say in affiliate 1's business, whatever they are elsewhere."""
    return [
        ("customer", customer(3)),
        ("owner of another", member(2**40, Role.OWNER, user_id=501)),
        ("manager of another", member(2**40, Role.MANAGER, user_id=502)),
    ]


@pytest.mark.parametrize(("_who", "stranger"), _strangers())
async def test_strangers_change_nothing_of_an_affiliate(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published, _who: str, stranger: Actor
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    before = len(await published())
    for status, answer in await _attempts(client, as_(stranger), affiliate["id"], service):
        assert answer.status_code == status, answer.request.url
    assert len(await published()) == before


@pytest.mark.parametrize(
    ("actor", "may"),
    [(Role.OWNER, True), (Role.MANAGER, True), (Role.TECHNICIAN, False), (ADMIN, False), (SUPPORT, False)],
)
async def test_the_teams_leaders_run_it(
    client: httpx.AsyncClient, as_: As, approved: Made, actor: Role | Actor, may: bool
) -> None:
    affiliate = await approved()
    who = actor if isinstance(actor, Actor) else member(affiliate["id"], actor, user_id=600)
    path = f"{AFFILIATES}/{affiliate['id']}"
    assert (await client.get(path, headers=as_(who))).json()["email"] == "hello@shine.example"
    answer = await client.patch(path, json={"name": "New"}, headers=as_(who))
    assert answer.status_code == (200 if may else 403)


@pytest.mark.parametrize("who", [OWNER, SUPPORT, customer(2)])
async def test_only_administrators_decide(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published, who: Actor
) -> None:
    path = f"{AFFILIATES}/{(await applied())['id']}"
    assert (await client.post(f"{path}/approve", headers=as_(who))).status_code == 403
    assert (await client.post(f"{path}/reject", json={"reason": "No."}, headers=as_(who))).status_code == 403
    assert len(await published()) == 1


async def test_without_a_token_nothing_is_changed(
    client: httpx.AsyncClient, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    before = len(await published())
    for _, answer in await _attempts(client, {}, affiliate["id"], service):
        assert answer.status_code == 401
    assert len(await published()) == before


async def _attempts(
    client: httpx.AsyncClient, headers: Headers, affiliate_id: int, service: dict[str, Any]
) -> list[tuple[int, httpx.Response]]:
    path, of = f"{AFFILIATES}/{affiliate_id}", f"/catalog/v1/services/{service['id']}"
    body = {name: service[name] for name in ("category", "name", "description", "active", "tiers")}
    published = {k: v for k, v in body.items() if k != "tiers"} | {
        "tiers": [{"name": "X", "price_cents": 50, "duration_minutes": 15}]
    }
    return [
        (403, await client.patch(path, json={"name": "Mine"}, headers=headers)),
        (403, await client.post(f"{path}/approve", headers=headers)),
        (403, await client.post(f"{path}/reject", json={"reason": "No."}, headers=headers)),
        (403, await client.post(f"{path}/services", json=published, headers=headers)),
        (403, await client.put(of, json=body, headers=headers)),
        (403, await client.delete(of, headers=headers)),
    ]


@pytest.mark.parametrize(
    ("who", "may"),
    [(Role.OWNER, True), (Role.MANAGER, True), (Role.TECHNICIAN, False), (ADMIN, False), (SUPPORT, False)],
)
async def test_the_teams_leaders_publish_revise_and_withdraw(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, who: Role | Actor, may: bool
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    headers = as_(who if isinstance(who, Actor) else member(affiliate["id"], who, user_id=600))
    answers = [
        await client.post(of(affiliate), json=offer(), headers=headers),
        await client.put(at(service), json=revision(service), headers=headers),
        await client.delete(at(service), headers=headers),
    ]
    assert [a.status_code for a in answers] == ([201, 200, 204] if may else [403, 403, 403])
