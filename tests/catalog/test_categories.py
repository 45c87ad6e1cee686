"""Categories are data: administrators keep them."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.catalog import CategoryChanged, OfferPublished
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import ADMIN, SUPPORT

from .conftest import OWNER, Json, Made, offer, revision

CATEGORIES = "/catalog/v1/categories"
SHIPPED = ["exterior", "interior", "full", "ceramic", "paint_correction"]
As = Callable[[Actor], Headers]


async def kept(client: httpx.AsyncClient, as_: As) -> dict[str, Json]:
    answer = await client.get(f"{CATEGORIES}/all", headers=as_(SUPPORT))
    return {category["slug"]: category for category in answer.json()["items"]}


async def shown(client: httpx.AsyncClient) -> list[str]:
    return [category["slug"] for category in (await client.get(CATEGORIES)).json()["items"]]


def of(affiliate: Json) -> str:
    return f"/catalog/v1/affiliates/{affiliate['id']}/services"


async def test_a_new_category_is_the_last_and_takes_services(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    wanted = {"slug": "glass", "name": " Glass "}
    answer = await client.post(CATEGORIES, json=wanted, headers=as_(ADMIN))
    assert (answer.status_code, answer.headers["ETag"], answer.json()["name"]) == (201, '"1"', "Glass")
    assert await shown(client) == [*SHIPPED, "glass"]
    [event] = await published(CategoryChanged)
    assert (event.category_id, event.slug, event.position, event.active, event.version) == (
        answer.json()["id"], "glass", 6, True, 1,
    )  # fmt: skip
    assert (await offered(await approved(), category="glass"))["category"] == "glass"
    again = await client.post(CATEGORIES, json=wanted, headers=as_(ADMIN))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/category-exists")


async def test_a_category_is_renamed_once_and_by_its_version(
    client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    path = f"{CATEGORIES}/{(await kept(client, as_))['full']['id']}"
    for _ in range(2):
        answer = await client.patch(path, json={"name": "All of it"}, headers=as_(ADMIN))
        assert (answer.status_code, answer.headers["ETag"], answer.json()["name"]) == (200, '"2"', "All of it")
    stale = await client.patch(path, json={"name": "Other"}, headers=as_(ADMIN) | {"If-Match": '"1"'})
    assert stale.status_code == 412
    assert len(await published(CategoryChanged)) == 1
    assert (await client.patch(f"{CATEGORIES}/999", json={}, headers=as_(ADMIN))).status_code == 404


async def test_a_category_that_is_closed_takes_no_new_services_and_keeps_those_it_has(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    mine, other = await offered(affiliate), await offered(affiliate, category="interior")
    path = f"{CATEGORIES}/{(await kept(client, as_))['full']['id']}"
    assert (await client.patch(path, json={"active": False}, headers=as_(ADMIN))).status_code == 200
    assert "full" not in await shown(client)
    assert (await kept(client, as_))["full"]["active"] is False
    services = "/catalog/v1/services"
    for refused in (
        await client.post(of(affiliate), json=offer(), headers=as_(OWNER)),
        await client.put(f"{services}/{other['id']}", json=revision(other, category="full"), headers=as_(OWNER)),
    ):
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/category-closed")
    kept_on = await client.put(f"{services}/{mine['id']}", json=revision(mine, name="New"), headers=as_(OWNER))
    assert kept_on.status_code == 200
    assert len((await client.get(of(affiliate))).json()["items"]) == 2
    assert len(await published(OfferPublished)) == 2


@pytest.mark.parametrize(
    ("slugs", "missing", "unknown"),
    [
        (SHIPPED[1:], ["exterior"], []),
        ([*SHIPPED, "boats"], [], ["boats"]),
        ([*SHIPPED, "full"], [], ["full"]),
        ([], SHIPPED, []),
    ],
)
async def test_an_order_of_categories_names_each_once(
    client: httpx.AsyncClient, as_: As, published: Published, slugs: list[str], missing: list[str], unknown: list[str]
) -> None:
    answer = await client.put(f"{CATEGORIES}/order", json={"slugs": slugs}, headers=as_(ADMIN))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-the-whole-order")
    assert (answer.json()["missing"], answer.json()["unknown"]) == (missing, unknown)
    assert await published(CategoryChanged) == []


async def test_only_what_moves_is_announced(client: httpx.AsyncClient, as_: As, published: Published) -> None:
    wanted = ["interior", "exterior", *SHIPPED[2:]]
    for _ in range(2):
        answer = await client.put(f"{CATEGORIES}/order", json={"slugs": wanted}, headers=as_(ADMIN))
        assert answer.status_code == 200
    assert await shown(client) == wanted
    assert [(e.slug, e.position) for e in await published(CategoryChanged)] == [("interior", 1), ("exterior", 2)]


async def test_two_new_categories_at_once_have_places_of_their_own(fresh_client: httpx.AsyncClient, as_: As) -> None:
    wanted = [{"slug": f"new_{letter}", "name": letter} for letter in "abcd"]
    answers = await asyncio.gather(*(fresh_client.post(CATEGORIES, json=w, headers=as_(ADMIN)) for w in wanted))
    assert [a.status_code for a in answers] == [201] * 4
    assert len({c["position"] for c in (await kept(fresh_client, as_)).values()}) == 9


BAD: list[Json] = [
    {"slug": "Glass"}, {"slug": ""}, {"slug": "a" * 51}, {"slug": "glass\n"}, {"slug": 1}, {"name": ""}, {"name": " "},
    {"name": "x" * 101}, {"name": "a\u0000"}, {"active": False}, {"position": 1}, {"id": 9},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad)[:30])
async def test_bad_categories_are_refused(client: httpx.AsyncClient, as_: As, published: Published, bad: Json) -> None:
    answer = await client.post(CATEGORIES, json={"slug": "glass", "name": "Glass"} | bad, headers=as_(ADMIN))
    assert answer.status_code == 422
    assert await published() == []
