"""Who comes to a place."""

import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.booking import FreeDaysChanged
from shared.contracts.reviews import RatingChanged
from shared.testing.plugin import Deliver, Headers
from shared.testing.tokens import ADMIN, customer

from .conftest import BOSTON, BROOKLYN, HOUSTON, MANHATTAN, NEWARK, Made, revision, tier

PATH = "/catalog/v1/affiliates"
As = Callable[[Actor], Headers]
CaughtUp = Callable[[], Awaitable[None]]
Statements = Callable[[], AbstractContextManager[list[str]]]


Found = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def found(client: httpx.AsyncClient, caught_up: Callable[[], Awaitable[None]]) -> Found:
    """What is found once the read model has followed."""

    async def found(**params: Any) -> list[dict[str, Any]]:
        await caught_up()
        answer = await client.get(PATH, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]  # type: ignore[no-any-return]

    return found


async def test_those_who_come_are_found_nearest_first(found: Found, approved: Made) -> None:
    newark = await approved(customer(1), zip=NEWARK, service_radius_m=50_000)
    brooklyn = await approved(customer(2), zip=BROOKLYN)
    await approved(customer(3), zip=BOSTON, service_radius_m=200_000)
    await approved(customer(4), zip=HOUSTON, service_radius_m=200_000)
    near = await found(zip=MANHATTAN)
    assert [a["id"] for a in near] == [brooklyn["id"], newark["id"]]
    assert near[0]["distance_m"] == pytest.approx(6_300, rel=0.1)
    assert near[1]["distance_m"] == pytest.approx(15_300, rel=0.1)


async def test_the_service_radius_decides_to_the_metre(
    client: httpx.AsyncClient, found: Found, as_: As, approved: Made
) -> None:
    owner = customer(1)
    affiliate = await approved(owner, zip=NEWARK, service_radius_m=50_000)
    [seen] = await found(zip=MANHATTAN)
    path = f"{PATH}/{affiliate['id']}"
    await client.patch(path, json={"service_radius_m": seen["distance_m"]}, headers=as_(owner))
    assert len(await found(zip=MANHATTAN)) == 1
    await client.patch(path, json={"service_radius_m": seen["distance_m"] - 1}, headers=as_(owner))
    assert await found(zip=MANHATTAN) == []


async def test_only_the_approved_are_found(client: httpx.AsyncClient, found: Found, as_: As, applied: Made) -> None:
    affiliate = await applied()
    assert await found(zip=BROOKLYN) == []
    await client.post(f"{PATH}/{affiliate['id']}/reject", json={"reason": "No."}, headers=as_(ADMIN))
    assert await found(zip=BROOKLYN) == []


async def test_the_lowest_price_is_of_what_is_offered_in_the_category(
    client: httpx.AsyncClient, found: Found, as_: As, approved: Made, offered: Made
) -> None:
    owner = customer(1)
    affiliate = await approved(owner)
    assert [a["from_price_cents"] for a in await found(zip=BROOKLYN)] == [None]
    await offered(affiliate, owner, category="full", tiers=[tier(), tier(price_cents=100, active=False)])
    cheap = await offered(affiliate, owner, category="interior", tiers=[tier(price_cents=5_000)])
    await offered(affiliate, owner, category="ceramic", active=False)

    async def prices(**of: str) -> list[int | None]:
        return [a["from_price_cents"] for a in await found(zip=BROOKLYN, **of)]

    assert await prices() == [5_000]
    assert await prices(category="full") == [18_900]
    assert await prices(category="ceramic") == []
    assert await prices(category="boats") == []
    body = revision(cheap, active=False)
    await client.put(f"/catalog/v1/services/{cheap['id']}", json=body, headers=as_(owner))
    assert await prices() == [18_900]
    assert await prices(category="interior") == []


async def test_pages_show_everybody_once_even_at_the_same_distance(
    client: httpx.AsyncClient, caught_up: CaughtUp, approved: Made
) -> None:
    made = [(await approved(customer(n), zip=BROOKLYN))["id"] for n in range(1, 6)]
    made.append((await approved(customer(9), zip=MANHATTAN))["id"])
    await caught_up()
    params: dict[str, str] = {"zip": BROOKLYN, "limit": "2"}
    seen = []
    while params.get("cursor") != "":
        page = (await client.get(PATH, params=params)).json()
        seen += [a["id"] for a in page["items"]]
        params["cursor"] = page["next"] or ""
    assert seen == made


async def test_a_search_takes_two_statements_whatever_it_finds(
    client: httpx.AsyncClient, caught_up: CaughtUp, approved: Made, offered: Made, statements: Statements
) -> None:
    for n in range(1, 4):
        owner = customer(n)
        await offered(await approved(owner), owner)
        await caught_up()
        with statements() as sent:
            answer = await client.get(PATH, params={"zip": BROOKLYN, "category": "full"})
        assert len(answer.json()["items"]) == n
        assert len(sent) == 2


async def test_a_search_is_answered_by_its_tag_until_something_changes(
    client: httpx.AsyncClient, caught_up: CaughtUp, approved: Made, deliver: Deliver
) -> None:
    affiliate = await approved()
    await caught_up()
    first = await client.get(PATH, params={"zip": BROOKLYN})
    assert first.headers["Cache-Control"] == "public, max-age=2"
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await client.get(PATH, params={"zip": BROOKLYN}, headers=known)).status_code == 304
    rating = RatingChanged(
        affiliate_rating_id=1, version=1, affiliate_id=affiliate["id"], rating_hundredths=450, review_count=2
    )
    await deliver(rating)
    await caught_up()
    changed = await client.get(PATH, params={"zip": BROOKLYN}, headers=known)
    assert (changed.status_code, changed.json()["items"][0]["rating"]) == (200, 4.5)


async def test_an_unknown_zip_code_is_refused_by_name(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH, params={"zip": "00000"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-zip")


def _cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "params",
    [
        {}, {"zip": ""}, {"zip": "1120"}, {"zip": "112011"}, {"zip": "11201\n"}, {"zip": "11201\u0000"},
        {"zip": "1120x"}, {"zip": "١١٢٠١"}, {"zip": BROOKLYN, "category": "Full' or 1=1"},
        {"zip": BROOKLYN, "limit": "0"}, {"zip": BROOKLYN, "limit": "-1"}, {"zip": BROOKLYN, "limit": "1000000000"},
        {"zip": BROOKLYN, "limit": "1e2"}, {"zip": BROOKLYN, "cursor": "x"}, {"zip": BROOKLYN, "cursor": "é"},
        {"zip": BROOKLYN, "cursor": _cursor(["near", 1])}, {"zip": BROOKLYN, "cursor": _cursor([1, 10**30])},
        {"zip": BROOKLYN, "cursor": _cursor([10**30, 1])}, {"zip": BROOKLYN, "cursor": _cursor([1.5, 1])},
        {"zip": BROOKLYN, "cursor": _cursor([True, 1])}, {"zip": BROOKLYN, "cursor": _cursor([-1, 1])},
        {"zip": BROOKLYN, "cursor": _cursor([{"at": "2026-01-01T00:00:00Z"}, 1])},
        {"zip": BROOKLYN, "cursor": _cursor([None, 1])}, {"zip": BROOKLYN, "cursor": _cursor([[], {}])},
        {"zip": BROOKLYN, "cursor": _cursor({"a": 1})}, {"zip": BROOKLYN, "cursor": "W" * 301},
        {"zip": BROOKLYN, "cursor": _cursor([["0" * 16, 5], 1])}, {"zip": BROOKLYN, "cursor": _cursor([[5, 5], 1])},
        {"zip": BROOKLYN, "cursor": _cursor([["x", True], 1])}, {"zip": BROOKLYN, "cursor": _cursor([["x", 2**70], 1])},
        {"latitude": "40.7"}, {"zip": BROOKLYN, "latitude": "40.7", "longitude": "-74"},
        {"latitude": "NaN", "longitude": "-74"}, {"latitude": "91", "longitude": "-74"},
        {"latitude": "40.7", "longitude": "Infinity"}, {"latitude": "0", "longitude": "0"},
        {"zip": BROOKLYN, "radius_m": "0"}, {"zip": BROOKLYN, "radius_m": "200001"},
        {"zip": BROOKLYN, "price_from": "2", "price_to": "1"}, {"zip": BROOKLYN, "price_to": "-1"},
        {"zip": BROOKLYN, "sort": "luck"}, {"zip": BROOKLYN, "sort": "relevance"}, {"zip": BROOKLYN, "q": ""},
        {"zip": BROOKLYN, "q": "x" * 10_000}, {"zip": BROOKLYN, "q": "a\u0000b"}, {"zip": BROOKLYN, "open_on": "1"},
        {"zip": BROOKLYN, "open_on": "2026-02-30"}, {"zip": BROOKLYN, "min_rating": "NaN"},
        {"zip": BROOKLYN, "min_rating": "6"}, {"zip": BROOKLYN, "size_class": "ship"},
    ],
    ids=ascii,
)  # fmt: skip
async def test_bad_searches_are_refused(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await client.get(PATH, params=params)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture
async def three(approved: Made, offered: Made, deliver: Deliver) -> list[int]:
    """Nearest first: one without a rating, one with, one dear; the second is open on a day far ahead."""
    shops = []
    named = [("Alpha Wax", BROOKLYN), ("Beta Gloss", MANHATTAN), ("Gamma Polish", NEWARK)]
    for n, (name, zip) in enumerate(named, 1):
        owner = customer(n)
        shop = await approved(owner, name=name, zip=zip, service_radius_m=50_000)
        suv = [{"size_class": "suv", "price_cents": 30_000 - 5_000 * n}]
        tiers = [tier(price_cents=10_000 * n, size_prices=suv)]
        await offered(shop, owner, name=f"Detail {n}", description="Leather care." if n == 2 else "", tiers=tiers,
                      category="full" if n < 3 else "interior")  # fmt: skip
        shops.append(shop["id"])
    for n, (hundredths, count) in enumerate([(450, 2), (450, 9)], 1):
        await deliver(RatingChanged(affiliate_rating_id=n, version=1, affiliate_id=shops[n], review_count=count,
                                    rating_hundredths=hundredths))  # fmt: skip
    days = [date(2026, 1, 1), date(2199, 1, 1)]
    await deliver(FreeDaysChanged(free_days_id=1, version=1, affiliate_id=shops[1], days=days))
    return shops


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"sort": "rating"}, [2, 1, 0]),
        ({"sort": "price"}, [0, 2, 1]),
        ({"sort": "price", "size_class": "suv"}, [2, 1, 0]),
        ({"radius_m": 10_000}, [0, 1]),
        ({"category": "full"}, [0, 1]),
        ({"size_class": "suv", "price_to": 20_000}, [1, 2]),
        ({"price_from": 15_000}, [1, 2]),
        ({"price_from": 15_000, "price_to": 20_000, "category": "full"}, [1]),
        ({"min_rating": 4.5}, [1, 2]),
        ({"open_on": "2199-01-01"}, [1]),
        ({"q": "leather"}, [1]),
        ({"q": "betta glos", "sort": "relevance"}, [1]),
        ({"q": "alpha or polish"}, [0, 2]),
        ({"q": "' & | ! <-> :* %"}, []),
    ],
)
async def test_filters_and_orders(found: Found, three: list[int], asked: dict[str, Any], expected: list[int]) -> None:
    assert [three.index(a["id"]) for a in await found(zip=BROOKLYN, **asked)] == expected


async def test_what_is_shown_fits_what_is_asked_for(found: Found, three: list[int]) -> None:
    [_, beta, _] = await found(zip=BROOKLYN, size_class="suv")
    assert (beta["from_price_cents"], beta["next_free_day"], beta["categories"]) == (20_000, "2199-01-01", ["full"])
    [service] = beta["services"]
    assert (service["name"], service["category"], service["from_price_cents"]) == ("Detail 2", "full", 20_000)


async def test_facets_count_all_that_is_found_on_the_first_page_only(
    client: httpx.AsyncClient, caught_up: CaughtUp, three: list[int]
) -> None:
    await caught_up()
    first = (await client.get(PATH, params={"zip": BROOKLYN, "limit": 1})).json()
    facets = first["facets"]
    assert facets["count"] == len(three)
    assert facets["categories"] == {"full": 2, "interior": 1}
    assert set(facets["size_classes"].values()) == {3}
    assert facets["min_rating"] == {"4.5": 2, "4.0": 2, "3.0": 2}
    assert facets["price_to"] == {"5000": 0, "10000": 1, "20000": 3, "50000": 3}
    second = await client.get(PATH, params={"zip": BROOKLYN, "limit": 1, "cursor": first["next"]})
    assert second.json()["facets"] is None
    nobody = (await client.get(PATH, params={"zip": HOUSTON})).json()
    assert nobody["facets"]["count"] == 0


async def test_a_cursor_goes_on_in_its_own_search_only(
    client: httpx.AsyncClient, caught_up: CaughtUp, three: list[int]
) -> None:
    await caught_up()
    for sort in ("distance", "rating", "price", "relevance"):
        asked = {"zip": BROOKLYN, "limit": "1", "sort": sort, "q": "detail"}
        seen = []
        while asked.get("cursor") != "":
            page = (await client.get(PATH, params=asked)).json()
            seen += [a["id"] for a in page["items"]]
            cursor = asked.get("cursor") or page["next"]
            asked["cursor"] = page["next"] or ""
        assert sorted(seen) == sorted(three)
        other = await client.get(PATH, params={"zip": MANHATTAN, "cursor": cursor})
        assert other.json()["type"] == "/problems/cursor-of-another-search"


async def test_where_one_is_counts_rather_than_the_zip_code(found: Found, three: list[int]) -> None:
    here = await found(latitude=40.6943, longitude=-73.9249)
    assert [a["distance_m"] > 0 for a in here] == [True] * len(three)


async def test_who_serves_a_place(client: httpx.AsyncClient, caught_up: CaughtUp, three: list[int]) -> None:
    await caught_up()
    answer = await client.get("/catalog/v1/service-area", params={"zip": MANHATTAN})
    served = answer.json()
    assert served["place"] == {"zip": MANHATTAN, "city": "New York", "state": "NY", "timezone": "America/New_York"}
    assert (served["served"], served["count"]) == (True, 3)
    assert [a["id"] for a in served["nearest"]] == [three[1], three[0], three[2]]
    nobody = (await client.get("/catalog/v1/service-area", params={"latitude": 29.76, "longitude": -95.37})).json()
    assert (nobody["served"], nobody["count"], nobody["nearest"]) == (False, 0, [])
