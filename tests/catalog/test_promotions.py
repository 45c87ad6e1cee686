"""Promotion codes: begun, limited, ended; how often they were used, by booking's news in any order."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.booking import BookingCancelled, BookingConfirmed, BookingEvent, BookingExpired, BookingHeld
from shared.contracts.catalog import PromotionChanged
from shared.testing.plugin import Deliver, Headers, Published
from shared.testing.tokens import ADMIN, SUPPORT, customer

from .conftest import OWNER, Json, Made, promotion

As = Callable[[Actor], Headers]
CODES = "/catalog/v1/promotions"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def at(promotion: Json) -> str:
    return f"{CODES}/{promotion['id']}"


def limits(promotion: Json, **changes: Any) -> Json:
    return {name: promotion[name] for name in ("ends_at", "max_uses", "max_uses_per_customer")} | changes


async def test_a_promotion_is_begun_limited_and_ended(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate, headers = await approved(), as_(OWNER)
    body = promotion(affiliate_id=affiliate["id"], code="spring-26", categories=["interior", "full"])
    made = await client.post(CODES, json=body, headers=headers)
    seen = made.json()
    assert (made.status_code, made.headers["ETag"], made.headers["Location"]) == (201, '"1"', at(seen))
    assert (seen["code"], seen["categories"], seen["uses"]) == ("SPRING-26", ["full", "interior"], 0)
    changed = limits(seen, max_uses=5, ends_at="2027-01-01T00:00:00Z")
    put = await client.put(at(seen), json=changed, headers=headers | {"If-Match": '"1"'})
    assert (put.status_code, put.json()["max_uses"]) == (200, 5)
    assert (await client.put(at(seen), json=changed, headers=headers | {"If-Match": '"1"'})).status_code == 412
    ended = await client.post(f"{at(seen)}/end", headers=headers)
    assert (ended.status_code, ended.json()["active"]) == (200, False)
    assert (await client.get(at(seen), headers=headers)).json() == ended.json()
    for late in (
        await client.post(f"{at(seen)}/end", headers=headers),
        await client.put(at(seen), json=changed, headers=headers),
    ):
        assert late.json()["type"] == "/problems/promotion-ended"
    told = await published(PromotionChanged)
    assert [(e.version, e.promotion_id, e.promotion.max_uses, e.promotion.active) for e in told] == [
        (1, seen["id"], None, True),
        (2, seen["id"], 5, True),
        (3, seen["id"], 5, False),
    ]
    assert told[0].promotion.model_dump(mode="json") == {
        name: seen["id"] if name == "promotion_id" else seen[name] for name in type(told[0].promotion).model_fields
    }


async def test_a_code_means_one_thing_for_good_at_an_affiliate_and_at_the_platform(
    client: httpx.AsyncClient, as_: As, approved: Made
) -> None:
    first, second = await approved(), await approved(Actor(user_id=700), name="Other")
    mine = promotion(affiliate_id=first["id"])
    made = (await client.post(CODES, json=mine, headers=as_(OWNER))).json()
    await client.post(f"{at(made)}/end", headers=as_(OWNER))
    again = await client.post(CODES, json=mine, headers=as_(OWNER))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/code-taken")
    theirs = promotion(affiliate_id=second["id"])
    assert (await client.post(CODES, json=theirs, headers=as_(Actor(user_id=700)))).status_code == 201
    assert (await client.post(CODES, json=promotion(), headers=as_(ADMIN))).status_code == 201
    assert (await client.post(CODES, json=promotion(), headers=as_(ADMIN))).status_code == 409


async def test_who_may_see_and_change_which(client: httpx.AsyncClient, as_: As, approved: Made) -> None:
    """The matrix asks everybody about an affiliate's; here are the platform's."""
    platforms = (await client.post(CODES, json=promotion(), headers=as_(ADMIN))).json()
    affiliate = await approved()
    assert (await client.post(CODES, json=promotion(code="OTHER"), headers=as_(SUPPORT))).status_code == 403
    for who, reads, lists, changes in ((OWNER, 404, 403, 404), (customer(7), 404, 403, 404), (SUPPORT, 200, 200, 403)):
        headers = as_(who)
        seen = await client.get(at(platforms), headers=headers)
        listed = await client.get(CODES, headers=headers)
        put = await client.put(at(platforms), json=limits(platforms), headers=headers)
        assert (seen.status_code, listed.status_code, put.status_code) == (reads, lists, changes)
    listed = await client.get(CODES, params={"affiliate_id": affiliate["id"]}, headers=as_(OWNER))
    assert listed.json() == {"items": [], "next": None}


async def test_promotions_are_listed_newest_first_in_pages(client: httpx.AsyncClient, as_: As, approved: Made) -> None:
    affiliate, headers = await approved(), as_(OWNER)
    for code in ("ONE", "TWO", "THREE"):
        await client.post(CODES, json=promotion(affiliate_id=affiliate["id"], code=code), headers=headers)
    first = (await client.get(CODES, params={"affiliate_id": affiliate["id"], "limit": 2}, headers=headers)).json()
    rest = {"affiliate_id": affiliate["id"], "cursor": first["next"]}
    second = (await client.get(CODES, params=rest, headers=headers)).json()
    assert [p["code"] for p in first["items"] + second["items"]] == ["THREE", "TWO", "ONE"]


async def test_the_same_key_begins_one(client: httpx.AsyncClient, as_: As, published: Published) -> None:
    headers = as_(ADMIN) | {"Idempotency-Key": "k"}
    first, second = [await client.post(CODES, json=promotion(), headers=headers) for _ in range(2)]
    assert (first.status_code, second.content) == (201, first.content)
    assert len(await published(PromotionChanged)) == 1


BAD: list[Json] = [
    {"code": "AB"}, {"code": "A" * 33}, {"code": "-AB"}, {"code": "AB-"}, {"code": "A B"}, {"code": "A\u0000B"},
    {"code": "SPRING\n"}, {"code": "straße"}, {"code": "١٢٣"}, {"code": 123}, {"percent_bp": 0},
    {"percent_bp": 10_001},
    {"percent_bp": "10"}, {"percent_bp": None}, {"amount_cents": 500}, {"percent_bp": None, "amount_cents": 0},
    {"percent_bp": None, "amount_cents": 10_000_001}, {"starts_at": None}, {"starts_at": "2026-07-01T00:00:00"},
    {"starts_at": 1_783_000_000}, {"starts_at": "9999-01-01T00:00:00Z"}, {"ends_at": "2026-01-01T00:00:00Z"},
    {"ends_at": "2025-12-31T00:00:00Z"}, {"max_uses": 0}, {"max_uses": 10**30}, {"max_uses_per_customer": -1},
    {"max_uses_per_customer": True}, {"categories": ["boats"]}, {"categories": "full"}, {"active": True}, {"uses": 0},
    {"affiliate_id": 0}, {"affiliate_id": "1"}, {"id": 1},
]  # fmt: skip


async def test_bad_promotions_are_refused_and_write_nothing(
    client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    headers = as_(ADMIN) | {"Content-Type": "application/json"}
    for bad in BAD:
        answer = await client.post(CODES, content=json.dumps(promotion() | bad), headers=headers)
        assert answer.status_code == 422, bad
    assert (await client.post(CODES, json=promotion(affiliate_id=2**62), headers=headers)).status_code == 404
    assert await published(PromotionChanged) == []


async def test_bad_limits_are_refused_and_write_nothing(
    client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    made = (await client.post(CODES, json=promotion(), headers=as_(ADMIN))).json()
    bad: list[Json] = [
        {"ends_at": made["starts_at"]}, {"ends_at": "soon"}, {"max_uses": 0}, {"max_uses_per_customer": 1.0},
        {"code": "OTHER"}, {"percent_bp": 1}, {"active": False},
    ]  # fmt: skip
    for changes in bad:
        answer = await client.put(at(made), json=limits(made, **changes), headers=as_(ADMIN))
        assert answer.status_code == 422, changes
    assert (await client.put(at(made), json={"max_uses": 5}, headers=as_(ADMIN))).status_code == 422
    assert len(await published(PromotionChanged)) == 1


# -- uses --


def told(kind: type[BookingEvent], version: int, status: str, promotion_id: int | None, **changes: Any) -> BookingEvent:
    of_kind: dict[Any, Json] = {
        BookingHeld: {"hold_expires_at": NOON},
        BookingCancelled: {"refund_cents": 0, "cancelled_by": "customer", "reason": ""},
    }
    values: Json = {
        "booking_id": 61, "version": version, "customer_id": 7, "affiliate_id": 31, "crew_id": 1, "service_id": 1,
        "tier_id": 1, "service_name": "Full", "tier_name": "Gold", "status": status, "appointment_start": NOON,
        "appointment_end": NOON + timedelta(hours=2), "timezone": "UTC", "address": "1 Main St", "zip": "11201",
        "price_cents": 5_000, "commission_cents": 750, "currency": "USD", "promotion_id": promotion_id,
    }  # fmt: skip
    return kind(**values | of_kind.get(kind, {}) | changes)


LIVES: dict[str, tuple[list[tuple[type[BookingEvent], str]], int]] = {
    "held": ([(BookingHeld, "held")], 1),
    "confirmed": ([(BookingHeld, "held"), (BookingConfirmed, "confirmed")], 1),
    "expired": ([(BookingHeld, "held"), (BookingExpired, "expired")], 0),
    "cancelled": ([(BookingHeld, "held"), (BookingConfirmed, "confirmed"), (BookingCancelled, "cancelled")], 0),
    "paid late": ([(BookingHeld, "held"), (BookingExpired, "expired"), (BookingConfirmed, "confirmed")], 1),
}


@pytest.mark.parametrize("life", LIVES)
async def test_uses_are_counted_once_in_any_order_and_given_back(
    client: httpx.AsyncClient, as_: As, deliver: Deliver, life: str
) -> None:
    steps, uses = LIVES[life]
    for n, order in enumerate(permutations(range(len(steps)))):
        made = (await client.post(CODES, json=promotion(code=f"CODE-{n}"), headers=as_(ADMIN))).json()
        for step in (*order, order[0]):  # one of them twice, as a message of its own
            kind, status = steps[step]
            await deliver(told(kind, step + 1, status, made["id"], booking_id=100 + n))
        seen = (await client.get(at(made), headers=as_(SUPPORT))).json()
        assert seen["uses"] == uses, order
        [listed, *_] = (await client.get(CODES, headers=as_(SUPPORT))).json()["items"]
        assert listed == seen


async def test_a_booking_without_a_code_counts_for_none(client: httpx.AsyncClient, as_: As, deliver: Deliver) -> None:
    made = (await client.post(CODES, json=promotion(), headers=as_(ADMIN))).json()
    await deliver(told(BookingHeld, 1, "held", None))
    assert (await client.get(at(made), headers=as_(ADMIN))).json()["uses"] == 0
