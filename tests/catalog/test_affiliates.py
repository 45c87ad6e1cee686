"""Applying, being decided upon, changing."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from services.catalog.domain.affiliate import Affiliate
from shared.auth import Actor
from shared.contracts.catalog import AffiliateApplied, AffiliateApproved, AffiliateChanged, AffiliateRejected
from shared.db import Database
from shared.testing.plugin import AsOwner, Headers, Published, recorded_in
from shared.testing.tokens import ADMIN, SUPPORT, customer

from .conftest import BOSTON, HOUSTON, OWNER, Made, application

AFFILIATES = "/catalog/v1/affiliates"
As = Callable[[Actor], Headers]


async def test_whoever_applies_owns_the_affiliate_and_its_place_comes_from_the_zip_code(
    client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    answer = await client.post(AFFILIATES, json=application(), headers=as_(customer(7)))
    affiliate = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{AFFILIATES}/{affiliate['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (affiliate["owner_user_id"], affiliate["application_status"]) == (1007, "submitted")
    assert (affiliate["city"], affiliate["state"], affiliate["timezone"]) == ("Brooklyn", "NY", "America/New_York")
    assert affiliate["slug"] == "shine-sons"
    [event] = await published(AffiliateApplied)
    assert (event.affiliate_id, event.version, event.application_status) == (affiliate["id"], 1, "submitted")
    assert (event.latitude, event.service_radius_m, event.rating_hundredths) == (affiliate["latitude"], 20_000, None)


async def test_an_approved_affiliate_is_public_without_what_is_private(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published
) -> None:
    affiliate = await applied()
    path = f"{AFFILIATES}/{affiliate['id']}"
    assert (await client.get(path)).status_code == 404
    approved = await client.post(f"{path}/approve", headers=as_(ADMIN) | {"If-Match": '"1"'})
    assert (approved.status_code, approved.headers["ETag"]) == (200, '"2"')
    seen = await client.get(path)
    assert seen.status_code == 200
    assert seen.json().keys().isdisjoint({"email", "phone", "street", "owner_user_id", "rejection_reason"})
    assert (await client.get(path, headers=as_(OWNER))).json()["email"] == "hello@shine.example"
    [event] = await published(AffiliateApproved)
    assert (event.version, event.application_status) == (2, "approved")


async def test_a_rejected_applicant_reads_why_and_may_apply_again(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published
) -> None:
    affiliate = await applied()
    path = f"{AFFILIATES}/{affiliate['id']}"
    answer = await client.post(f"{path}/reject", json={"reason": "No insurance."}, headers=as_(ADMIN))
    assert answer.status_code == 200
    assert (await client.get(path, headers=as_(OWNER))).json()["rejection_reason"] == "No insurance."
    [event] = await published(AffiliateRejected)
    assert (event.application_status, event.reason) == ("rejected", "No insurance.")
    again = await applied()
    assert (again["slug"] != affiliate["slug"], again["slug"].startswith("shine-sons-")) == (True, True)


@pytest.mark.parametrize("then", ["approve", "reject"])
@pytest.mark.parametrize("first", ["approve", "reject"])
async def test_an_application_is_decided_once(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published, first: str, then: str
) -> None:
    path = f"{AFFILIATES}/{(await applied())['id']}"
    bodies: dict[str, Any] = {"approve": None, "reject": {"reason": "No."}}
    await client.post(f"{path}/{first}", json=bodies[first], headers=as_(ADMIN))
    again = await client.post(f"{path}/{then}", json=bodies[then], headers=as_(ADMIN))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-decided")
    assert len(await published()) == 2


async def test_one_application_at_a_time(client: httpx.AsyncClient, as_: As, applied: Made) -> None:
    await applied()
    again = await client.post(AFFILIATES, json=application(name="Another"), headers=as_(OWNER))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/application-pending")


async def test_of_twenty_applications_sent_at_once_one_is_taken(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    assert await _apply_twenty_times(fresh_client, as_(OWNER)) == [201] + [409] * 19
    assert len(await recorded_in(fresh_database, AffiliateApplied)) == 1


async def test_without_the_unique_index_more_than_one_would_be(
    fresh_client: httpx.AsyncClient, as_: As, as_owner: AsOwner
) -> None:
    await as_owner("drop index affiliates_one_open_application")
    assert (await _apply_twenty_times(fresh_client, as_(OWNER))).count(201) > 1


async def _apply_twenty_times(client: httpx.AsyncClient, headers: Headers) -> list[int]:
    bodies = [application(name=f"Shine {n}") for n in range(20)]
    answers = await asyncio.gather(*(client.post(AFFILIATES, json=body, headers=headers) for body in bodies))
    return sorted(answer.status_code for answer in answers)


async def test_two_who_change_it_at_once_do_not_overwrite_each_other(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published
) -> None:
    path = f"{AFFILIATES}/{(await applied())['id']}"
    headers = as_(OWNER) | {"If-Match": '"1"'}
    assert (await client.patch(path, json={"phone": "+1 718 555 0199"}, headers=headers)).status_code == 200
    late = await client.patch(path, json={"phone": "+1 718 555 0111"}, headers=headers)
    assert (late.status_code, late.json()["version"]) == (412, 2)
    assert (await client.get(path, headers=as_(OWNER))).json()["phone"] == "+1 718 555 0199"
    assert [event.version for event in await published(AffiliateChanged)] == [2]


async def test_a_new_zip_code_moves_the_affiliate_with_its_clocks_and_keeps_its_slug(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published
) -> None:
    before = await applied()
    answer = await client.patch(
        f"{AFFILIATES}/{before['id']}", json={"zip": HOUSTON, "name": "Gulf Shine"}, headers=as_(OWNER)
    )
    after = answer.json()
    assert (after["city"], after["state"], after["timezone"]) == ("Houston", "TX", "America/Chicago")
    assert (after["name"], after["slug"], after["email"]) == ("Gulf Shine", before["slug"], before["email"])
    [event] = await published(AffiliateChanged)
    assert (event.zip, event.timezone, event.latitude) == (HOUSTON, "America/Chicago", after["latitude"])


async def test_null_and_left_out_fields_stay(client: httpx.AsyncClient, as_: As, applied: Made) -> None:
    before = await applied()
    answer = await client.patch(f"{AFFILIATES}/{before['id']}", json={"name": None, "zip": None}, headers=as_(OWNER))
    changing = {"version", "updated_at"}
    assert answer.status_code == 200
    assert {k: v for k, v in answer.json().items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }


async def test_a_city_may_go_by_another_name_but_not_lie_in_another_state(
    client: httpx.AsyncClient, as_: As, applied: Made
) -> None:
    assert (await applied(city="Brooklyn Heights", state="NY"))["city"] == "Brooklyn Heights"
    wrong = await client.post(AFFILIATES, json=application(state="TX"), headers=as_(customer(1)))
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/zip-elsewhere")


@pytest.mark.parametrize("zip", ["00000", "99999", "09001"])  # no such codes, a military post office
async def test_an_unknown_zip_code_is_refused_by_name(client: httpx.AsyncClient, as_: As, zip: str) -> None:
    answer = await client.post(AFFILIATES, json=application(zip=zip), headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-zip")


async def test_the_same_key_applies_once_and_answers_the_same(
    client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    headers = as_(OWNER) | {"Idempotency-Key": "k1"}
    first = await client.post(AFFILIATES, json=application(), headers=headers)
    second = await client.post(AFFILIATES, json=application(), headers=headers)
    assert (second.status_code, second.content) == (201, first.content)
    assert len(await published()) == 1


async def test_owners_list_their_applications_and_staff_everybodys(
    client: httpx.AsyncClient, as_: As, applied: Made, approved: Made
) -> None:
    mine, other = await applied(), await approved(customer(9), zip=BOSTON)
    path = f"{AFFILIATES}/applications"
    assert [a["id"] for a in (await client.get(path, headers=as_(OWNER))).json()["items"]] == [mine["id"]]
    assert [a["id"] for a in (await client.get(path, headers=as_(SUPPORT))).json()["items"]] == [
        other["id"],
        mine["id"],
    ]
    open_ones = await client.get(path, params={"status": "submitted"}, headers=as_(SUPPORT))
    assert [a["id"] for a in open_ones.json()["items"]] == [mine["id"]]
    assert (await client.get(path)).status_code == 401


async def test_versions_are_given_out_one_after_the_other_under_load(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    affiliate = (await fresh_client.post(AFFILIATES, json=application(), headers=as_(OWNER))).json()
    path = f"{AFFILIATES}/{affiliate['id']}"
    changes = (fresh_client.patch(path, json={"name": f"N{n}"}, headers=as_(OWNER)) for n in range(15))
    assert {answer.status_code for answer in await asyncio.gather(*changes)} == {200}
    assert [event.version for event in await recorded_in(fresh_database, AffiliateChanged)] == list(range(2, 17))
    async with fresh_database.read() as session:
        assert await session.scalar(select(func.max(Affiliate.version))) == 16
