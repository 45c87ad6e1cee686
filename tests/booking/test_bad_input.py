"""P18: bad input gets a 4xx problem, writes nothing, echoes nothing."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, TIER, Shop, monday_at

As = Callable[[Actor], Headers]
GOOD = {"tier_id": 51, "starts_at": "2026-12-07T09:00:00-05:00", "address": "1 Main St", "zip": "11201"}

HOSTILE: list[tuple[str, Any]] = [
    ("tier_id", "51"), ("tier_id", True), ("tier_id", 51.0), ("tier_id", -1), ("tier_id", 0), ("tier_id", 2**63),
    ("tier_id", None), ("tier_id", [51]), ("starts_at", "2026-12-07T09:00:00"), ("starts_at", 1_796_000_000),
    ("starts_at", "1796000000"), ("starts_at", "9999-12-31T23:59:59Z"), ("starts_at", "0001-01-01T00:00:00Z"),
    ("starts_at", "tomorrow"), ("starts_at", ""), ("address", ""), ("address", "a\x00b"), ("address", "a\ud800b"),
    ("address", "a\r\nBcc: x"), ("address", "x" * 201), ("zip", "1120"), ("zip", "1120a"), ("zip", "\u0661" * 5),
    ("size_class", "tank"), ("size_class", 1), ("size_class", None), ("condition", "muddy"), ("condition", None),
    ("add_on_ids", 81), ("add_on_ids", None), ("add_on_ids", [1] * 21), ("promotion_code", ""),
    ("promotion_code", "x" * 51), ("promotion_code", 5), ("promotion_code", "a\x00b"), ("promotion_code", "a\nb"),
    ("price_cents", "18900"), ("price_cents", -1), ("price_cents", 1.5), ("status", "confirmed"),
    ("price", 1), ("is_admin", True), ("customer_id", 8),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), HOSTILE)
async def test_a_hostile_field_is_refused_by_name(
    client: httpx.AsyncClient, as_: As, published: Published, field: str, value: Any
) -> None:
    headers = as_(customer(7)) | {"Content-Type": "application/json"}
    response = await client.post("/booking/v1/bookings", content=json.dumps(GOOD | {field: value}), headers=headers)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert await published() == []


BODIES = [
    b"", b"{", b"[]", b"null", b'"x"', b'{"tier_id": 51, "tier_id": 52}', b'{"tier_id": NaN}', b'{"tier_id": 1e400}',
    b'{"tier_id": Infinity}', b"\xff\xfe", b'{"tier_id": ' + b"9" * 5000 + b"}", b"[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
async def test_a_malformed_body_is_refused(client: httpx.AsyncClient, as_: As, body: bytes) -> None:
    headers = as_(customer(7)) | {"Content-Type": "application/json"}
    response = await client.post("/booking/v1/bookings", content=body, headers=headers)
    assert response.status_code in (400, 422), response.text
    assert response.headers["content-type"] == "application/problem+json"


async def test_other_content_types_and_bodies_too_large_are_refused(client: httpx.AsyncClient, as_: As) -> None:
    headers = as_(customer(7))
    form = await client.post("/booking/v1/bookings", data={"tier_id": "51"}, headers=headers)
    assert form.status_code == 422
    large = b'{"address": "' + b"x" * 1_100_000 + b'"}'
    for content in (large, _chunks(large)):
        answer = await client.post(
            "/booking/v1/bookings", content=content, headers=headers | {"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/content-too-large")


async def _chunks(body: bytes) -> Any:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize("id", ["0", "-1", "1.0", "1e3", "%20 1", "\u0661", "9" * 30, "x", "1;drop"])
async def test_an_absurd_id_is_refused(client: httpx.AsyncClient, as_: As, id: str) -> None:
    response = await client.get(f"/booking/v1/bookings/{id}", headers=as_(customer(7)))
    assert response.status_code in (404, 422)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2026-12-02", "to": "2026-12-01"}, {"from": "2026-01-01", "to": "2026-12-01"},
        {"from": "x", "to": "2026-12-01"}, {"from": "2026-12-01"}, {"from": "1796000000", "to": "1796000000"},
        {"from": "9999-12-31", "to": "9999-12-31"}, {"from": "0001-01-01", "to": "0001-01-01"},
    ],
)  # fmt: skip
async def test_absurd_days_are_refused(shop: Shop, params: dict[str, str]) -> None:
    response = await shop.client.get("/booking/v1/slots", params={"tier_id": "51"} | params)
    assert response.status_code == 422, response.text


@pytest.mark.parametrize("limit", ["-1", "0", "101", "1000000000", "x", "1.0"])
async def test_absurd_pages_are_refused(client: httpx.AsyncClient, as_: As, limit: str) -> None:
    response = await client.get("/booking/v1/bookings", params={"limit": limit}, headers=as_(customer(7)))
    assert response.status_code == 422


@pytest.mark.parametrize(
    "window",
    [
        {"weekday": 7, "opens": "08:00", "closes": "18:00"}, {"weekday": 0, "opens": "18:00", "closes": "08:00"},
        {"weekday": 0, "opens": "08:00", "closes": "08:00"}, {"weekday": 0, "opens": "8:00", "closes": "18:00"},
        {"weekday": 0, "opens": "08:60", "closes": "18:00"}, {"weekday": 0, "opens": 480, "closes": "25:00"},
        {"weekday": "0", "opens": "08:00", "closes": "18:00"}, {"weekday": 0, "opens": "08:00", "closes": "24:01"},
    ],
)  # fmt: skip
async def test_windows_that_make_no_sense_are_refused(shop: Shop, window: dict[str, Any]) -> None:
    path = f"/booking/v1/affiliates/{AFFILIATE}/availability"
    response = await shop.client.put(path, json={"windows": [window]}, headers=shop.as_(member(AFFILIATE)))
    assert response.status_code == 422, response.text
    [kept] = (await shop.client.get(path)).json()["windows"]
    assert (kept["weekday"], kept["opens"], kept["closes"]) == (0, "08:00", "18:00")


async def test_windows_that_overlap_are_refused_and_the_old_ones_stay(shop: Shop) -> None:
    path = f"/booking/v1/affiliates/{AFFILIATE}/availability"
    windows = [{"weekday": 0, "opens": "08:00", "closes": "12:00"}, {"weekday": 0, "opens": "11:00", "closes": "18:00"}]
    response = await shop.client.put(path, json={"windows": windows}, headers=shop.as_(member(AFFILIATE)))
    assert (response.status_code, response.json()["type"]) == (422, "/problems/windows-overlap")
    assert len((await shop.client.get(path)).json()["windows"]) == 1


async def test_others_cannot_set_an_affiliates_hours(shop: Shop) -> None:
    path = f"/booking/v1/affiliates/{AFFILIATE}/availability"
    for actor in (customer(7), member(99)):
        assert (await shop.client.put(path, json={"windows": []}, headers=shop.as_(actor))).status_code == 403


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ü"])
async def test_an_idempotency_key_is_printable_and_bounded(shop: Shop, key: str) -> None:
    body = GOOD | {"starts_at": monday_at(9)}
    headers = httpx.Headers({**shop.as_(customer(7)), "Idempotency-Key": key}, encoding="utf-8")
    assert (await shop.client.post("/booking/v1/bookings", json=body, headers=headers)).status_code == 422


async def test_a_number_of_seconds_is_no_day(shop: Shop) -> None:
    days: dict[str, str | int] = {"tier_id": TIER, "from": "1796601600", "to": "1796601600"}
    assert (await shop.client.get("/booking/v1/slots", params=days)).status_code == 422
