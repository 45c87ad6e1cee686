"""Who comes to a place."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.reviews import RatingChanged
from shared.testing.plugin import Deliver, Headers
from shared.testing.tokens import ADMIN, customer

from .conftest import BOSTON, BROOKLYN, HOUSTON, MANHATTAN, NEWARK, Made, revision, tier

PATH = "/catalog/v1/affiliates"
As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]


async def found(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]  # type: ignore[no-any-return]


async def test_those_who_come_are_found_nearest_first(client: httpx.AsyncClient, approved: Made) -> None:
    newark = await approved(customer(1), zip=NEWARK, service_radius_m=50_000)
    brooklyn = await approved(customer(2), zip=BROOKLYN)
    await approved(customer(3), zip=BOSTON, service_radius_m=200_000)
    await approved(customer(4), zip=HOUSTON, service_radius_m=200_000)
    near = await found(client, zip=MANHATTAN)
    assert [a["id"] for a in near] == [brooklyn["id"], newark["id"]]
    assert near[0]["distance_m"] == pytest.approx(6_300, rel=0.1)
    assert near[1]["distance_m"] == pytest.approx(15_300, rel=0.1)


async def test_the_service_radius_decides_to_the_metre(client: httpx.AsyncClient, as_: As, approved: Made) -> None:
    owner = customer(1)
    affiliate = await approved(owner, zip=NEWARK, service_radius_m=50_000)
    [seen] = await found(client, zip=MANHATTAN)
    path = f"{PATH}/{affiliate['id']}"
    await client.patch(path, json={"service_radius_m": seen["distance_m"]}, headers=as_(owner))
    assert len(await found(client, zip=MANHATTAN)) == 1
    await client.patch(path, json={"service_radius_m": seen["distance_m"] - 1}, headers=as_(owner))
    assert await found(client, zip=MANHATTAN) == []


async def test_only_the_approved_are_found(client: httpx.AsyncClient, as_: As, applied: Made) -> None:
    affiliate = await applied()
    assert await found(client, zip=BROOKLYN) == []
    await client.post(f"{PATH}/{affiliate['id']}/reject", json={"reason": "No."}, headers=as_(ADMIN))
    assert await found(client, zip=BROOKLYN) == []


async def test_the_lowest_price_is_of_what_is_offered_in_the_category(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made
) -> None:
    owner = customer(1)
    affiliate = await approved(owner)
    assert [a["from_price_cents"] for a in await found(client, zip=BROOKLYN)] == [None]
    await offered(affiliate, owner, category="full", tiers=[tier(), tier(price_cents=100, active=False)])
    cheap = await offered(affiliate, owner, category="interior", tiers=[tier(price_cents=5_000)])
    await offered(affiliate, owner, category="ceramic", active=False)

    async def prices(**of: str) -> list[int | None]:
        return [a["from_price_cents"] for a in await found(client, zip=BROOKLYN, **of)]

    assert await prices() == [5_000]
    assert await prices(category="full") == [18_900]
    assert await prices(category="ceramic") == []
    assert await prices(category="boats") == []
    body = revision(cheap, active=False)
    await client.put(f"/catalog/v1/services/{cheap['id']}", json=body, headers=as_(owner))
    assert await prices() == [18_900]
    assert await prices(category="interior") == []


async def test_pages_show_everybody_once_even_at_the_same_distance(client: httpx.AsyncClient, approved: Made) -> None:
    made = [(await approved(customer(n), zip=BROOKLYN))["id"] for n in range(1, 6)]
    made.append((await approved(customer(9), zip=MANHATTAN))["id"])
    params: dict[str, str] = {"zip": BROOKLYN, "limit": "2"}
    seen = []
    while params.get("cursor") != "":
        page = (await client.get(PATH, params=params)).json()
        seen += [a["id"] for a in page["items"]]
        params["cursor"] = page["next"] or ""
    assert seen == made


async def test_a_search_takes_one_statement_whatever_it_finds(
    client: httpx.AsyncClient, approved: Made, offered: Made, statements: Statements
) -> None:
    for n in range(1, 4):
        owner = customer(n)
        await offered(await approved(owner), owner)
        with statements() as sent:
            assert len(await found(client, zip=BROOKLYN, category="full")) == n
        assert len(sent) == 1


async def test_a_search_is_answered_by_its_tag_until_something_changes(
    client: httpx.AsyncClient, approved: Made, deliver: Deliver
) -> None:
    affiliate = await approved()
    first = await client.get(PATH, params={"zip": BROOKLYN})
    assert first.headers["Cache-Control"] == "public, max-age=2"
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await client.get(PATH, params={"zip": BROOKLYN}, headers=known)).status_code == 304
    rating = RatingChanged(
        affiliate_rating_id=1, version=1, affiliate_id=affiliate["id"], rating_hundredths=450, review_count=2
    )
    await deliver(rating)
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
    ],
    ids=ascii,
)  # fmt: skip
async def test_bad_searches_are_refused(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await client.get(PATH, params=params)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
