"""Bad input gets a refusal and writes nothing."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.catalog import OfferPublished
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import customer

from .conftest import OWNER, Json, Made, application, offer, revision, tier

AFFILIATES = "/catalog/v1/affiliates"
As = Callable[[Actor], Headers]


def of(affiliate: Json) -> str:
    return f"{AFFILIATES}/{affiliate['id']}/services"


def at(service: Json) -> str:
    return f"/catalog/v1/services/{service['id']}"


APPLICATIONS: list[dict[str, Any]] = [
    {"name": ""}, {"name": "  "}, {"name": "a\u0000b"}, {"name": "a\nb"}, {"name": "x" * 201}, {"name": 7},
    {"name": "\ud800"}, {"email": "nobody"}, {"email": "a@b.c\r\nBcc: d@e.f"}, {"email": f"{'a' * 300}@b.example"},
    {"phone": "<script>"}, {"zip": "1120"}, {"zip": "11201\n"}, {"zip": "١١٢٠١"}, {"zip": 11201}, {"state": "ny"},
    {"service_radius_m": 999}, {"service_radius_m": 200_001}, {"service_radius_m": "20000"}, {"service_radius_m": True},
    {"service_radius_m": 1e4}, {"service_radius_m": 10**30}, {"application_status": "approved"}, {"rating": 5},
    {"owner_user_id": 1}, {"timezone": "UTC"}, {"version": 9}, {"street": ""},
]  # fmt: skip


@pytest.mark.parametrize("bad", APPLICATIONS, ids=lambda bad: ascii(bad)[:40])
async def test_bad_applications_are_refused_and_writes_nothing(
    client: httpx.AsyncClient, as_: As, applied: Made, published: Published, bad: dict[str, Any]
) -> None:
    affiliate = await applied()
    headers = as_(customer(1)) | {"Content-Type": "application/json"}
    posted = await client.post(AFFILIATES, content=json.dumps(application() | bad), headers=headers)
    headers = as_(OWNER) | {"Content-Type": "application/json"}
    path = f"{AFFILIATES}/{affiliate['id']}"
    patched = await client.patch(path, content=json.dumps(bad), headers=headers)
    assert (posted.status_code // 100, patched.status_code // 100) == (4, 4)
    assert len(await published()) == 1


@pytest.mark.parametrize("id", ["0", "-1", "9223372036854775808", "1e3", "x", "1" * 5000])
async def test_absurd_ids_are_refused(client: httpx.AsyncClient, id: str) -> None:
    assert (await client.get(f"{AFFILIATES}/{id}")).status_code in (404, 422)


TIERS: list[dict[str, Any]] = [
    {"price_cents": 0}, {"price_cents": 49}, {"price_cents": -1}, {"price_cents": 10_000_001}, {"price_cents": "18900"},
    {"price_cents": 189.0}, {"price_cents": True}, {"price_cents": 10**30}, {"duration_minutes": 14},
    {"duration_minutes": 1441}, {"duration_minutes": None}, {"included": "Wax"}, {"included": ["Wax"] * 31},
    {"included": ["a\u0000"]}, {"included": [""]}, {"name": "\t"}, {"active": "true"}, {"active": 1},
    {"position": 1}, {"deleted_at": None}, {"service_id": 1}, {"id": 0}, {"id": -1}, {"id": 2**63}, {"id": "1"},
]  # fmt: skip
OFFERS: list[dict[str, Any]] = [
    {"tiers": []}, {"tiers": [tier()] * 21}, {"tiers": None}, {"category": "Full"}, {"category": "a" * 51},
    {"category": "full\n"}, {"name": ""}, {"name": "x" * 201}, {"description": "x" * 2001},
    {"description": "\u0000"}, {"description": None}, {"active": "yes"}, {"affiliate_id": 1}, {"version": 2},
]  # fmt: skip


@pytest.mark.parametrize(
    "bad", OFFERS + [{"tiers": [tier(**bad)]} for bad in TIERS], ids=lambda bad: ascii(str(bad)[-60:])
)
async def test_bad_offers_are_refused_and_writes_nothing(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published, bad: dict[str, Any]
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    before = len(await published())
    headers = as_(OWNER) | {"Content-Type": "application/json"}
    posted = await client.post(of(affiliate), content=json.dumps(offer() | bad), headers=headers)
    put = await client.put(at(service), content=json.dumps(revision(service) | bad), headers=headers)
    assert (posted.status_code // 100, put.status_code // 100) == (4, 4)
    assert len(await published()) == before


NO_JSON = ["[]", "", "{", '{"name": "a", "name": "b"}', '{"tiers": NaN}', "[" * 10_000, f'{{"name": {"9" * 5001}}}']


@pytest.mark.parametrize("raw", NO_JSON, ids=lambda raw: raw[:20])
async def test_what_is_no_proper_json_is_refused(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published, raw: str
) -> None:
    headers = as_(OWNER) | {"Content-Type": "application/json"}
    assert (await client.post(of(await approved()), content=raw, headers=headers)).status_code in (400, 422)
    assert await published(OfferPublished) == []
