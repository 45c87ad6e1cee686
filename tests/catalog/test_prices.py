"""Price lists and add-ons: changed together, told together."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from services.catalog.domain import price_list as rules
from shared import pricing
from shared.auth import Actor, Role
from shared.contracts.catalog import PriceListChanged
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import SUPPORT, member

from .conftest import OWNER, Json, Made, add_on, price_list

As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]


def of(affiliate: Json, what: str = "price-list") -> str:
    return f"/catalog/v1/affiliates/{affiliate['id']}/{what}"


async def test_without_a_price_list_everything_costs_what_it_costs(client: httpx.AsyncClient, approved: Made) -> None:
    seen = await client.get(of(await approved()))
    assert (seen.status_code, seen.headers["ETag"]) == (200, '"0"')
    assert seen.json() == pricing.PriceList().model_dump() | {"version": 0}


async def test_a_price_list_is_replaced_and_told_whole(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    at = of(affiliate)
    first = await client.put(at, json=price_list(), headers=as_(OWNER) | {"If-Match": '"0"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    sizes = [{"size_class": "suv", "multiplier_bp": 13_000}, {"size_class": "rv", "multiplier_bp": 20_000}]
    changed = price_list(sizes=sizes, conditions=[], travel_bands=[{"up_to_m": 1, "fee_cents": 50}], tax_ppm=0)
    second = await client.put(at, json=changed, headers=as_(OWNER) | {"If-Match": '"1"'})
    assert second.json() == changed | {"version": 2, "sizes": sizes[::-1], "add_ons": []}
    assert (await client.get(at)).json() == second.json()
    told = await published(PriceListChanged)
    assert [(e.version, e.affiliate_id) for e in told] == [(1, affiliate["id"]), (2, affiliate["id"])]
    assert told[0].price_list_id == told[1].price_list_id
    assert told[1].rules == pricing.PriceList.model_validate(second.json())


async def test_a_stale_change_is_refused_and_tells_nothing(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    stale = as_(OWNER) | {"If-Match": '"0"'}
    made = (await client.post(of(affiliate, "add-ons"), json=add_on(), headers=as_(OWNER))).json()
    path = of(affiliate, f"add-ons/{made['add_on_id']}")
    answers = [
        await client.put(of(affiliate), json=price_list(), headers=stale),
        await client.put(path, json=add_on(), headers=stale),
        await client.delete(path, headers=stale),
    ]
    assert [answer.status_code for answer in answers] == [412] * 3
    assert len(await published(PriceListChanged)) == 1


async def test_add_ons_are_offered_changed_and_withdrawn_in_one_sequence_with_the_list(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    headers = as_(OWNER)
    await client.put(of(affiliate), json=price_list(), headers=headers)
    wax = await client.post(of(affiliate, "add-ons"), json=add_on(position=2), headers=headers)
    clay = await client.post(of(affiliate, "add-ons"), json=add_on(name="Clay", position=1), headers=headers)
    assert (wax.status_code, wax.headers["ETag"], clay.headers["ETag"]) == (201, '"2"', '"3"')
    first, second = clay.json(), wax.json()
    assert (await client.get(of(affiliate))).json()["add_ons"] == [first, second]
    dearer = add_on(name="Clay", price_cents=9_900, categories=["interior", "exterior"], position=3, active=False)
    put = await client.put(of(affiliate, f"add-ons/{first['add_on_id']}"), json=dearer, headers=headers)
    changed = dearer | {"add_on_id": first["add_on_id"], "categories": ["exterior", "interior"]}
    assert (put.json(), put.headers["ETag"]) == (changed, '"4"')
    gone = of(affiliate, f"add-ons/{second['add_on_id']}")
    assert (await client.delete(gone, headers=headers | {"If-Match": '"4"'})).status_code == 204
    assert (await client.get(of(affiliate))).json()["add_ons"] == [changed]
    assert (await client.delete(gone, headers=headers)).json()["type"] == "/problems/no-such-add-on"
    told = await published(PriceListChanged)
    assert [e.version for e in told] == [1, 2, 3, 4, 5]
    assert [(a.add_on_id, a.active) for a in told[2].rules.add_ons] == [
        (first["add_on_id"], True),
        (second["add_on_id"], True),
    ]
    assert {a.add_on_id: a.active for a in told[4].rules.add_ons} == dict.fromkeys(
        (a["add_on_id"] for a in (first, second)), False
    )


async def test_an_add_on_of_an_unknown_category_is_refused(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    path = of(await approved(), "add-ons")
    answer = await client.post(path, json=add_on(categories=["full", "boats"]), headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-category")
    assert await published(PriceListChanged) == []


async def test_add_ons_are_limited_at_a_time_and_in_all(
    client: httpx.AsyncClient, as_: As, approved: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_ADD_ONS", 1)
    monkeypatch.setattr(rules, "MAX_ADD_ONS_EVER", 2)
    path, headers = of(await approved(), "add-ons"), as_(OWNER)
    for _ in range(2):
        made = await client.post(path, json=add_on(), headers=headers)
        assert made.status_code == 201
        assert (await client.post(path, json=add_on(), headers=headers)).json()["type"] == "/problems/too-many-add-ons"
        await client.delete(f"{path}/{made.json()['add_on_id']}", headers=headers)
    assert (await client.post(path, json=add_on(), headers=headers)).status_code == 409


async def test_the_same_key_offers_once(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    path, headers = of(await approved(), "add-ons"), as_(OWNER) | {"Idempotency-Key": "k"}
    first, second = [await client.post(path, json=add_on(), headers=headers) for _ in range(2)]
    assert (second.content, second.headers["ETag"]) == (first.content, first.headers["ETag"])
    assert len(await published(PriceListChanged)) == 1


async def test_an_affiliate_changes_nothing_of_anothers(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    mine, other = await approved(), await approved(Actor(user_id=700), name="Other")
    theirs = (await client.post(of(other, "add-ons"), json=add_on(), headers=as_(Actor(user_id=700)))).json()[
        "add_on_id"
    ]
    before = len(await published())
    for path in (of(mine, f"add-ons/{theirs}"), of(other, f"add-ons/{theirs}")):
        put = await client.put(path, json=add_on(price_cents=0), headers=as_(OWNER))
        gone = await client.delete(path, headers=as_(OWNER))
        assert {put.status_code, gone.status_code} <= {403, 404}
    assert len(await published()) == before


async def test_prices_of_an_affiliate_not_yet_approved_are_seen_by_its_own_people_and_the_staff(
    client: httpx.AsyncClient, as_: As, applied: Made
) -> None:
    affiliate = await applied()
    assert (await client.put(of(affiliate), json=price_list(), headers=as_(OWNER))).status_code == 200
    technician = member(affiliate["id"], Role.TECHNICIAN, user_id=501)
    seen = [(await client.get(of(affiliate), headers=as_(who))).status_code for who in (OWNER, SUPPORT, technician)]
    assert seen == [200, 200, 200]
    assert (await client.get(of(affiliate))).status_code == 404


async def test_a_price_list_is_read_in_two_statements_however_long_it_is(
    client: httpx.AsyncClient, as_: As, approved: Made, statements: Statements
) -> None:
    affiliate = await approved()
    for n in range(3):
        await client.post(of(affiliate, "add-ons"), json=add_on(name=f"{n}"), headers=as_(OWNER))
        with statements() as sent:
            assert len((await client.get(of(affiliate))).json()["add_ons"]) == n + 1
        assert len(sent) <= 3  # the affiliate with its area, the list


def size(**changes: object) -> Json:
    return {"sizes": [{"size_class": "suv", "multiplier_bp": 12_000} | changes]}


def band(*bands: tuple[object, object]) -> Json:
    return {"travel_bands": [{"up_to_m": up_to, "fee_cents": fee} for up_to, fee in bands]}


BAD_LISTS: list[Json] = [
    size(multiplier_bp=4_999), size(multiplier_bp=50_001), size(multiplier_bp="12000"), size(multiplier_bp=1.2e4),
    size(multiplier_bp=True), size(multiplier_bp=10**30), size(size_class="SUV"), size(size_class="boat"),
    size(price_cents=1), {"sizes": price_list()["sizes"] * 2}, {"sizes": None}, {"sizes": {}},
    {"conditions": [{"condition": "dirty", "multiplier_bp": 9_000}] * 2},
    {"conditions": [{"condition": "filthy", "multiplier_bp": 9_000}]},
    band((0, 0)), band((-1, 0)), band((200_001, 0)), band((10, 49)), band((10, -1)), band((10, 1_000_001)),
    band((10, 0), (10, 50)), band((20, 0), (10, 50)), band((10.5, 0)), band(*((n + 1, 0) for n in range(21))),
    {"minimum_cents": 49}, {"minimum_cents": 10_000_001}, {"minimum_cents": "50"}, {"tax_ppm": -1},
    {"tax_ppm": 300_001}, {"tax_ppm": 8.875}, {"tax_ppm": None}, {"add_ons": []}, {"version": 7}, {"affiliate_id": 1},
]  # fmt: skip


async def test_bad_price_lists_are_refused_and_write_nothing(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    path, headers = of(await approved()), as_(OWNER) | {"Content-Type": "application/json"}
    for bad in BAD_LISTS:
        answer = await client.put(path, content=json.dumps(price_list() | bad), headers=headers)
        assert answer.status_code == 422, bad
    assert await published(PriceListChanged) == []


BAD_ADD_ONS: list[Json] = [
    {"name": ""}, {"name": " "}, {"name": "a\nb"}, {"name": "\u0000"}, {"name": "x" * 201}, {"price_cents": -1},
    {"price_cents": 1_000_001}, {"price_cents": "4500"}, {"price_cents": 45.5}, {"duration_minutes": -1},
    {"duration_minutes": 1_441}, {"duration_minutes": True}, {"categories": "full"}, {"categories": ["Full"]},
    {"categories": ["full"] * 51}, {"categories": None}, {"active": 1}, {"position": -1}, {"position": 1_001},
    {"add_on_id": 1}, {"deleted_at": None}, {"id": 5},
]  # fmt: skip


async def test_bad_add_ons_are_refused_and_write_nothing(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    path, headers = of(await approved(), "add-ons"), as_(OWNER) | {"Content-Type": "application/json"}
    made = (await client.post(path, json=add_on(), headers=headers)).json()
    for bad in BAD_ADD_ONS:
        body = json.dumps(add_on() | bad)
        posted = await client.post(path, content=body, headers=headers)
        put = await client.put(f"{path}/{made['add_on_id']}", content=body, headers=headers)
        assert (posted.status_code, put.status_code) == (422, 422), bad
    assert len(await published(PriceListChanged)) == 1
