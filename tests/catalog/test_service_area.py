"""Where an affiliate comes to: a radius, zip codes, or both."""

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import IntegrityError

from services.catalog.domain.affiliate import Affiliate
from shared.auth import Actor, Role
from shared.contracts.catalog import AffiliateApplied, AffiliateApproved, AffiliateChanged
from shared.db import Database
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import BOSTON, BROOKLYN, HOUSTON, MANHATTAN, NEWARK, OWNER, Json, Made, application

AFFILIATES = "/catalog/v1/affiliates"
As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]


def area_of(affiliate: Json) -> str:
    return f"{AFFILIATES}/{affiliate['id']}/service-area"


def area(radius_m: int = 20_000, *zips: str) -> Json:
    return {"service_radius_m": radius_m, "service_zips": list(zips)}


async def found(client: httpx.AsyncClient, zip: str, **more: Any) -> list[int]:
    answer = await client.get(AFFILIATES, params={"zip": zip, **more})
    assert answer.status_code == 200, answer.text
    return [affiliate["id"] for affiliate in answer.json()["items"]]


async def test_an_area_is_set_told_and_read(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    answer = await client.put(
        area_of(affiliate), json=area(5_000, NEWARK, MANHATTAN, NEWARK), headers=as_(OWNER) | {"If-Match": '"2"'}
    )
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert answer.json()["service_zips"] == [NEWARK, MANHATTAN]
    [event] = await published(AffiliateChanged)
    assert (event.version, event.service_radius_m, event.service_zips) == (3, 5_000, [NEWARK, MANHATTAN])
    read = await client.get(area_of(affiliate))
    assert (read.json(), read.headers["ETag"]) == (answer.json(), '"3"')
    assert (read.json()["timezone"], read.json()["affiliate_id"]) == ("America/New_York", affiliate["id"])
    await client.put(area_of(affiliate), json=area(0, HOUSTON, NEWARK), headers=as_(OWNER))
    assert (await client.get(area_of(affiliate))).json()["service_zips"] == [NEWARK, HOUSTON]
    assert [event.service_zips for event in await published(AffiliateChanged)] == [
        [NEWARK, MANHATTAN],
        [NEWARK, HOUSTON],
    ]


async def test_the_same_area_again_is_no_change(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    for _ in range(2):
        answer = await client.put(area_of(affiliate), json=area(0, MANHATTAN), headers=as_(OWNER))
        assert answer.headers["ETag"] == '"3"'
    stale = await client.put(area_of(affiliate), json=area(), headers=as_(OWNER) | {"If-Match": '"2"'})
    assert stale.status_code == 412
    assert len(await published(AffiliateChanged)) == 1


async def test_an_application_names_its_zip_codes_and_every_later_event_tells_them(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published
) -> None:
    affiliate = await applied(service_radius_m=0, service_zips=[MANHATTAN])
    await client.post(f"{AFFILIATES}/{affiliate['id']}/approve", headers=as_(ADMIN))
    await client.patch(f"{AFFILIATES}/{affiliate['id']}", json={"name": "New"}, headers=as_(OWNER))
    for kind in (AffiliateApplied, AffiliateApproved, AffiliateChanged):
        [event] = await published(kind)
        assert (event.service_radius_m, event.service_zips) == (0, [MANHATTAN])


async def test_who_comes_nowhere_is_refused(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    answers = [
        await client.post(AFFILIATES, json=application(service_radius_m=0), headers=as_(customer(1))),
        await client.put(area_of(affiliate), json=area(0), headers=as_(OWNER)),
    ]
    assert [(a.status_code, a.json()["type"]) for a in answers] == [(422, "/problems/no-service-area")] * 2
    assert len(await published()) == 2


async def test_zip_codes_that_nobody_knows_are_named(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    answers = [
        await client.post(AFFILIATES, json=application(service_zips=["00000", MANHATTAN]), headers=as_(customer(1))),
        await client.put(area_of(affiliate), json=area(0, MANHATTAN, "00000"), headers=as_(OWNER)),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["type"], answer.json()["zips"]) == (
            422, "/problems/unknown-zip", ["00000"],
        )  # fmt: skip
    assert len(await published()) == 2


async def test_whoever_names_a_zip_code_is_found_there_however_far_it_is(
    client: httpx.AsyncClient, caught_up: Callable[[], Awaitable[None]], approved: Made
) -> None:
    near = await approved(customer(1), zip=NEWARK, service_radius_m=50_000)
    far = await approved(customer(2), zip=BOSTON, service_radius_m=0, service_zips=[MANHATTAN, HOUSTON])
    hers = await approved(customer(3), zip=MANHATTAN, service_radius_m=0, service_zips=[BROOKLYN])
    await caught_up()
    assert await found(client, MANHATTAN) == [near["id"], far["id"]]
    assert await found(client, HOUSTON) == [far["id"]]
    assert await found(client, BROOKLYN) == [hers["id"], near["id"]]
    assert await found(client, BOSTON) == []
    answer = await client.get(AFFILIATES, params={"zip": MANHATTAN, "limit": 1})
    assert await found(client, MANHATTAN, limit=1, cursor=answer.json()["next"]) == [far["id"]]


async def test_an_application_that_is_not_public_hides_its_area(
    client: httpx.AsyncClient, as_: As, applied: Made
) -> None:
    path = area_of(await applied())
    assert [(await client.get(path)).status_code, (await client.get(path, headers=as_(customer(3)))).status_code] == [
        404
    ] * 2
    assert (await client.get(path, headers=as_(OWNER))).status_code == 200


@pytest.mark.parametrize(
    ("who", "status"),
    [(Role.OWNER, 200), (Role.MANAGER, 200), (Role.TECHNICIAN, 403), (ADMIN, 403), (SUPPORT, 403), (customer(3), 403)],
)
async def test_the_teams_leaders_set_it(
    client: httpx.AsyncClient, as_: As, approved: Made, who: Role | Actor, status: int
) -> None:
    affiliate = await approved()
    actor = who if isinstance(who, Actor) else member(affiliate["id"], who, user_id=600)
    assert (await client.put(area_of(affiliate), json=area(), headers=as_(actor))).status_code == status


BAD: list[Json] = [
    {"service_radius_m": 999}, {"service_radius_m": -1}, {"service_radius_m": 200_001}, {"service_radius_m": "0"},
    {"service_radius_m": True}, {"service_radius_m": None}, {"service_zips": None}, {"service_zips": "11201"},
    {"service_zips": [11201]}, {"service_zips": ["1120"]}, {"service_zips": ["1120\u0000"]},
    {"service_zips": ["11201\n"]}, {"service_zips": ["١١٢٠١"]}, {"service_zips": ["\ud800"]},
    {"service_zips": ["11201"] * 501}, {"timezone": "UTC"},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad)[:40])
async def test_bad_areas_are_refused_and_change_nothing(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published, bad: Json
) -> None:
    headers = as_(OWNER) | {"Content-Type": "application/json"}
    answer = await client.put(area_of(await approved()), content=json.dumps(area() | bad), headers=headers)
    assert answer.status_code == 422
    assert len(await published()) == 2


async def test_reading_an_area_takes_two_statements(
    client: httpx.AsyncClient, approved: Made, statements: Statements
) -> None:
    affiliate = await approved(service_zips=[MANHATTAN, NEWARK])
    with statements() as sent:
        await client.get(area_of(affiliate))
    assert len(sent) == 2


async def test_the_database_too_keeps_out_a_radius_that_is_none(database: Database, approved: Made) -> None:
    affiliate = await approved()
    with pytest.raises(IntegrityError, match="ck_affiliates_service_radius"):
        async with database.begin() as session:
            (await session.get_one(Affiliate, affiliate["id"])).service_radius_m = 500
            await session.flush()
