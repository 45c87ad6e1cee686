"""What a job would cost: line by line, refused where booking would refuse it, in few statements."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.booking import BookingCancelled, BookingHeld
from shared.testing.plugin import Deliver, Headers
from shared.testing.tokens import ADMIN, customer

from .conftest import BOSTON, BROOKLYN, MANHATTAN, OWNER, Json, Made, add_on, price_list, promotion, tier

As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]
PATH = "/catalog/v1/price-checks"


class Shop:
    """An affiliate in Brooklyn with a price list, one tier and one add-on."""

    def __init__(self, client: httpx.AsyncClient, as_: As, affiliate: Json, service: Json, extra: Json) -> None:
        self.client, self.as_, self.affiliate, self.service, self.extra = client, as_, affiliate, service, extra

    @property
    def tier(self) -> int:
        return int(self.service["tiers"][0]["id"])

    async def ask(self, by: Actor | None = None, **wanted: Any) -> httpx.Response:
        body = {"tier_id": self.tier, "zip": BROOKLYN} | wanted
        return await self.client.post(PATH, json=body, headers=self.as_(by) if by else {})

    async def lines(self, **wanted: Any) -> dict[str, int]:
        answer = await self.ask(**wanted)
        assert answer.status_code == 200, answer.text
        checked = answer.json()
        assert sum(line["amount_cents"] for line in checked["lines"]) == checked["total_cents"]
        return {line["kind"]: line["amount_cents"] for line in checked["lines"]}


@pytest.fixture
async def shop(client: httpx.AsyncClient, as_: As, approved: Made, offered: Made) -> Shop:
    affiliate = await approved()
    rules = price_list(
        sizes=[{"size_class": "sedan", "multiplier_bp": 10_000}, {"size_class": "suv", "multiplier_bp": 12_000}],
        conditions=[{"condition": "dirty", "multiplier_bp": 12_500}],
        travel_bands=[{"up_to_m": 1_000, "fee_cents": 0}, {"up_to_m": 20_000, "fee_cents": 1_500}],
        minimum_cents=5_000,
        tax_ppm=88_750,
    )
    mine = f"/catalog/v1/affiliates/{affiliate['id']}"
    assert (await client.put(f"{mine}/price-list", json=rules, headers=as_(OWNER))).status_code == 200
    wax = add_on(name="Wax", price_cents=3_000, duration_minutes=30, categories=["full"])
    extra = (await client.post(f"{mine}/add-ons", json=wax, headers=as_(OWNER))).json()
    service = await offered(affiliate, category="full", tiers=[tier(name="Gold", price_cents=10_000)])
    return Shop(client, as_, affiliate, service, extra)


async def test_a_price_explains_itself(shop: Shop) -> None:
    extras = [shop.extra["add_on_id"]]
    checked = (await shop.ask(size_class="suv", condition="dirty", add_on_ids=extras, zip=MANHATTAN)).json()
    assert [(line["kind"], line["label"], line["amount_cents"]) for line in checked["lines"]] == [
        ("service", "Gold", 10_000),
        ("size", "Vehicle size: suv", 2_000),
        ("condition", "Condition: dirty", 3_000),
        ("add_on", "Wax", 3_000),
        ("travel", "Travel", 1_500),
        ("tax", "Tax 8.875 %", 1_731),
    ]
    assert (checked["total_cents"], checked["tax_cents"], checked["currency"]) == (21_231, 1_731, "USD")
    assert (checked["duration_minutes"], checked["price_list_version"], checked["service_version"]) == (150, 2, 1)
    assert checked["distance_m"] == pytest.approx(6_300, rel=0.1)


async def test_without_a_price_list_the_tier_costs_what_it_says(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made
) -> None:
    affiliate = await approved()
    shop = Shop(client, as_, affiliate, await offered(affiliate, tiers=[tier(price_cents=4_000)]), {})
    assert await shop.lines(size_class="rv", condition="very_dirty", zip=MANHATTAN) == {"service": 4_000}


@pytest.mark.parametrize(
    ("wanted", "status", "problem"),
    [
        ({"zip": BOSTON}, 409, "out-of-service-area"),
        ({"zip": "00000"}, 422, "unknown-zip"),
        ({"size_class": "rv"}, 422, "size-not-served"),
        ({"add_on_ids": [10**9]}, 422, "add-on-not-offered"),
        ({"promotion_code": "NOTHING"}, 422, "promotion-does-not-apply"),
        ({"tier_id": 10**9}, 404, "no-such-offer"),
    ],
    ids=ascii,
)
async def test_what_cannot_be_had_is_refused_by_name(shop: Shop, wanted: Json, status: int, problem: str) -> None:
    answer = await shop.ask(**wanted)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")


@pytest.mark.parametrize(
    "bad",
    [
        {"size_class": "boat"}, {"condition": "muddy"}, {"add_on_ids": "1"}, {"add_on_ids": [0]}, {"add_on_ids": [1.0]},
        {"add_on_ids": list(range(1, 22))}, {"promotion_code": ""}, {"promotion_code": "x" * 51}, {"zip": "1120"},
        {"zip": None}, {"tier_id": 0}, {"tier_id": 10**30}, {"tier_id": True}, {"price_cents": 1},
        {"zip": "11201\u0000"},
    ],
    ids=ascii,
)  # fmt: skip
async def test_bad_questions_are_refused(shop: Shop, bad: Json) -> None:
    answer = await shop.ask(**bad)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text


async def test_what_is_not_offered_has_no_price(shop: Shop) -> None:
    owner = shop.as_(OWNER)
    path = f"/catalog/v1/services/{shop.service['id']}"
    await shop.client.put(f"{path}/active", json={"active": False}, headers=owner)
    answer = await shop.ask()
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-bookable")
    await shop.client.delete(path, headers=owner)
    assert (await shop.ask()).status_code == 409


async def test_a_code_takes_off_what_it_says_and_counts_for_whoever_is_signed_in(shop: Shop, deliver: Deliver) -> None:
    terms = promotion(code="TENTH", percent_bp=1_000, max_uses_per_customer=1)
    code = (await shop.client.post("/catalog/v1/promotions", json=terms, headers=shop.as_(ADMIN))).json()
    assert await shop.lines(promotion_code="tenth") == {"service": 10_000, "promotion": -1_000, "tax": 799}
    booking = {
        "booking_id": 1, "customer_id": 7, "affiliate_id": shop.affiliate["id"], "crew_id": 1, "service_id": 1,
        "tier_id": shop.tier, "service_name": "Full", "tier_name": "Gold", "appointment_start": "2030-01-07T14:00:00Z",
        "appointment_end": "2030-01-07T16:00:00Z", "timezone": "America/New_York", "address": "1 Main St",
        "zip": BROOKLYN, "price_cents": 9_799, "commission_cents": 0, "currency": "USD", "promotion_id": code["id"],
    }  # fmt: skip
    await deliver(BookingHeld(**booking, version=1, status="held", hold_expires_at="2030-01-01T00:00:00Z"))
    used = await shop.ask(customer(7), promotion_code="TENTH")
    assert (used.status_code, used.json()["why"]) == (422, "used_by_you")
    assert (await shop.ask(customer(8), promotion_code="TENTH")).status_code == 200
    assert (await shop.ask(promotion_code="TENTH")).status_code == 200
    ended = {"status": "cancelled", "refund_cents": 0, "cancelled_by": "customer", "reason": ""}
    await deliver(BookingCancelled(**booking, version=2, **ended))
    assert (await shop.ask(customer(7), promotion_code="TENTH")).status_code == 200


async def test_the_affiliates_own_code_goes_before_the_platforms(shop: Shop) -> None:
    of = {"code": "SALE", "percent_bp": None}
    for by, more in (
        (ADMIN, {"amount_cents": 100}),
        (OWNER, {"amount_cents": 200, "affiliate_id": shop.affiliate["id"]}),
    ):
        made = await shop.client.post("/catalog/v1/promotions", json=promotion(**of, **more), headers=shop.as_(by))
        assert made.status_code == 201, made.text
    assert (await shop.lines(promotion_code="SALE"))["promotion"] == -200


async def test_a_check_takes_one_statement_and_two_more_with_a_code(shop: Shop, statements: Statements) -> None:
    await shop.client.post("/catalog/v1/promotions", json=promotion(code="TENTH"), headers=shop.as_(ADMIN))
    with statements() as sent:
        await shop.lines(size_class="suv", add_on_ids=[shop.extra["add_on_id"]])
    assert len(sent) == 1
    with statements() as sent:
        await shop.lines(promotion_code="TENTH")
    assert len(sent) == 3
