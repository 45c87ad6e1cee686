"""The numbers over HTTP: whose, of which days, in one statement."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, Role
from shared.contracts.booking import BookingConfirmed, BookingHeld
from shared.contracts.payments import PaymentCaptured, PaymentRefunded
from shared.testing.plugin import Headers
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import AFFILIATE, NOON, OTHER, Tell, Told, booking, payment

As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]
V1 = "/analytics/v1"
DAYS = {"from": "2026-05-04", "to": "2026-05-05"}


@pytest_asyncio.fixture(autouse=True)
async def told(tell: Tell) -> None:
    """Two days, two affiliates, two currencies."""
    await tell(
        [
            Told.of(booking(BookingHeld, 1)),
            Told.of(booking(BookingHeld, 2)),
            Told.of(booking(BookingHeld, 3, affiliate_id=OTHER)),
            Told.of(booking(BookingConfirmed, 3, 2, OTHER), NOON + timedelta(days=1)),
            Told.of(payment(PaymentCaptured, 1)),
            Told.of(payment(PaymentCaptured, 2, affiliate_id=OTHER, amount_cents=100, commission_cents=15)),
            Told.of(payment(PaymentCaptured, 3, currency="EUR"), NOON + timedelta(days=1)),
            Told.of(payment(PaymentRefunded, 1, 3), NOON + timedelta(days=1)),
        ]
    )


@pytest.fixture
def ask(client: httpx.AsyncClient, as_: As) -> Callable[..., Any]:
    async def ask(by: Actor, metric: str = "bookings_held", **params: Any) -> httpx.Response:
        return await client.get(f"{V1}/metrics", params=DAYS | {"metric": metric} | params, headers=as_(by))

    return ask


def points(response: httpx.Response) -> list[tuple[Any, ...]]:
    assert response.status_code == 200, response.text
    return [(p["date"], p["currency"], p["value"]) for p in response.json()["points"]]


async def test_staff_see_all_affiliates_together_or_one(ask: Callable[..., Any]) -> None:
    assert points(await ask(SUPPORT)) == [("2026-05-04", None, 3)]
    assert points(await ask(ADMIN, affiliate_id=AFFILIATE)) == [("2026-05-04", None, 2)]
    assert points(await ask(SUPPORT, "revenue_cents")) == [
        ("2026-05-04", "USD", 19_000),
        ("2026-05-05", "EUR", 18_900),
    ]


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
async def test_who_runs_an_affiliate_sees_its_numbers_and_no_others(ask: Callable[..., Any], role: Role) -> None:
    mine = member(OTHER, role)
    assert points(await ask(mine)) == points(await ask(mine, affiliate_id=OTHER)) == [("2026-05-04", None, 1)]
    assert points(await ask(mine, "commission_cents")) == [("2026-05-04", "USD", 15)]
    refused = await ask(mine, affiliate_id=AFFILIATE)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-numbers")


async def test_customers_and_strangers_see_none(client: httpx.AsyncClient, as_: As, ask: Callable[..., Any]) -> None:
    assert (await ask(customer(7))).status_code == 403
    for path in ("/metrics", "/summary"):
        assert (await client.get(f"{V1}{path}", params=DAYS | {"metric": "bookings_held"})).status_code == 401
    for by in (customer(7), member(AFFILIATE)):
        refused = await client.get(f"{V1}/summary", params=DAYS, headers=as_(by))
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/staff-only")


async def test_the_summary_tells_each_day(client: httpx.AsyncClient, as_: As) -> None:
    response = await client.get(f"{V1}/summary", params=DAYS, headers=as_(SUPPORT))
    nothing = {f"bookings_{word}": 0 for word in ("held", "confirmed", "completed", "cancelled", "expired")}
    nothing |= {"quotes_requested": 0, "quotes_accepted": 0}
    assert response.json() == {
        "days": [
            nothing | {
                "date": "2026-05-04", "bookings_held": 3,
                "money": [{"currency": "USD", "revenue_cents": 19_000, "refunds_cents": 0, "commission_cents": 2_850}],
            },
            nothing | {
                "date": "2026-05-05", "bookings_confirmed": 1,
                "money": [
                    {"currency": "EUR", "revenue_cents": 18_900, "refunds_cents": 0, "commission_cents": 2_835},
                    {"currency": "USD", "revenue_cents": 0, "refunds_cents": 900, "commission_cents": 0},
                ],
            },
        ]
    }  # fmt: skip


async def test_each_answer_is_one_statement(
    client: httpx.AsyncClient, as_: As, ask: Callable[..., Any], statements: Statements
) -> None:
    for by in (SUPPORT, member(AFFILIATE)):
        with statements() as sent:
            await ask(by)
        assert len(sent) == 1
    with statements() as sent:
        await client.get(f"{V1}/summary", params=DAYS, headers=as_(SUPPORT))
    assert len(sent) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"from": "2026-05-06"}, {"from": "2025-05-04"}, {"from": "1777852800"}, {"from": "20260504"}, {"to": "x"},
        {"from": "2026-02-30"}, {"from": "9999-12-30", "to": "9999-12-31"}, {"from": "2026-05-04T00:00:00Z"},
        {"from": "0001-01-01"}, {"from": ""}, {"from": "\uff12\uff10\uff12\uff16-05-04"},
    ],
    ids=str,
)  # fmt: skip
async def test_days_out_of_bounds_are_refused(
    client: httpx.AsyncClient, as_: As, ask: Callable[..., Any], bad: dict[str, str]
) -> None:
    assert (await ask(SUPPORT, **bad)).status_code == 422
    assert (await client.get(f"{V1}/summary", params=DAYS | bad, headers=as_(SUPPORT))).status_code == 422


async def test_a_year_at_once_is_allowed(ask: Callable[..., Any]) -> None:
    assert (await ask(SUPPORT, **{"from": "2025-05-05"})).status_code == 200


@pytest.mark.parametrize(
    "bad", [{"metric": "users"}, {"metric": ""}, {"affiliate_id": 0}, {"affiliate_id": 2**63}, {"affiliate_id": "1.0"}]
)
async def test_what_is_not_a_metric_or_an_affiliate_is_refused(ask: Callable[..., Any], bad: dict[str, Any]) -> None:
    assert (await ask(SUPPORT, **bad)).status_code == 422


async def test_an_administrator_has_the_numbers_counted_anew(
    client: httpx.AsyncClient, as_: As, ask: Callable[..., Any], session: AsyncSession
) -> None:
    await session.execute(text("update business_metrics set metric_value = 99"))
    for by in (SUPPORT, member(AFFILIATE), customer(7)):
        assert (await client.post(f"{V1}/metrics/rebuild", headers=as_(by))).status_code == 403
    assert points(await ask(SUPPORT)) == [("2026-05-04", None, 198)]
    response = await client.post(f"{V1}/metrics/rebuild", headers=as_(ADMIN))
    assert (response.status_code, response.json()["events"]) == (200, 8)
    assert points(await ask(SUPPORT)) == [("2026-05-04", None, 3)]
