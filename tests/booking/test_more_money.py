"""Money that comes on top of what confirmed a booking: counted once, and sent back if the booking is gone."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.booking import (
    BookingChargeCalledOff,
    BookingChargeDue,
    BookingConfirmed,
    BookingPaid,
    BookingRefundDue,
)
from shared.contracts.payments import PaymentCaptured, PaymentOnSite
from shared.db import Database
from shared.terms import Deposit, chosen_mode
from shared.testing.plugin import Headers, Published, deliver_to
from shared.testing.tokens import customer

from .conftest import PRICE, Shop, approved, captured, config, monday_at, open_shop, published_offer
from .test_life import act

EXTRA = 5_000


def more(booking: dict[str, Any], payment_id: int = 900, cents: int = EXTRA, purpose: str = "extra") -> PaymentCaptured:
    return captured(booking, cents, payment_id=payment_id, purpose=purpose, cause=f"booking:{booking['id']}:5")


async def money(session: AsyncSession, booking: dict[str, Any]) -> tuple[str, int, int]:
    of = text("select status, paid_cents, refund_cents from bookings where id = :id")
    return tuple((await session.execute(of, {"id": booking["id"]})).one())


@pytest_asyncio.fixture
async def fresh_shop(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> Shop:
    return await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))


async def moved(shop: Shop, booking: dict[str, Any], price: int, version: int, hour: int = 13) -> dict[str, Any]:
    """To a time at which it costs so much."""
    await shop.deliver(published_offer(version, price_cents=price))
    answer = await act(shop, booking, "reschedule", customer(7), json={"starts_at": monday_at(hour)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def dearer(shop: Shop, more: int = 2 * EXTRA) -> dict[str, Any]:
    """Paid, and then moved to where it costs more."""
    booking = await shop.held()
    await shop.deliver(captured(booking))
    return await moved(shop, booking, PRICE + more, version=2)


@pytest_asyncio.fixture
async def confirmed(shop: Shop) -> dict[str, Any]:
    return await dearer(shop)


@pytest.mark.parametrize("purpose", ["extra", "rest"])
async def test_each_payment_counts_once_in_any_order(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published, purpose: str
) -> None:
    for payment_id in (901, 900, 901, 900):
        await shop.deliver(more(confirmed, payment_id, purpose=purpose))
    assert await money(session, confirmed) == ("confirmed", PRICE + 2 * EXTRA, 0)
    assert [event.paid_cents for event in await published(BookingPaid)] == [PRICE + EXTRA, PRICE + 2 * EXTRA]
    assert len(await published(BookingConfirmed)) == 1


@pytest.mark.parametrize("purpose", ["tip", "something of tomorrow"])
async def test_what_is_no_part_of_the_price_changes_nothing(
    shop: Shop, session: AsyncSession, published: Published, purpose: str
) -> None:
    booking = await shop.held()
    await shop.deliver(more(booking, purpose=purpose))
    assert await money(session, booking) == ("held", 0, 0)
    assert await published(BookingPaid) == []


async def test_what_was_paid_on_top_goes_back_with_the_rest(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession
) -> None:
    await shop.deliver(more(confirmed))
    assert (await act(shop, confirmed, "cancel", customer(7), json={})).status_code == 200
    assert await money(session, confirmed) == ("cancelled", PRICE + EXTRA, PRICE + EXTRA)


async def test_what_comes_after_the_end_goes_back_once(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    assert (await act(shop, confirmed, "cancel", customer(7), json={})).status_code == 200
    for _ in range(2):
        await shop.deliver(more(confirmed))
        await shop.deliver(captured(confirmed))
    assert await money(session, confirmed) == ("cancelled", PRICE + EXTRA, PRICE + EXTRA)
    assert [event.refund_cents for event in await published(BookingRefundDue)] == [EXTRA]


async def held_on_site(shop: Shop) -> dict[str, Any]:
    await shop.deliver(config(2, payment_modes=["full", "on_site"]))
    await shop.deliver(approved(3, payment_mode="on_site"))
    booking = await shop.held()
    assert booking["payment_mode"] == "on_site"
    return booking


def agreed(booking: dict[str, Any], **more: Any) -> PaymentOnSite:
    return PaymentOnSite(**captured(booking, **more).model_dump() | {"status": "on_site"})


async def test_what_is_paid_at_the_door_confirms_with_nothing_paid(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    booking = await held_on_site(shop)
    for _ in range(2):
        await shop.deliver(agreed(booking))
    assert await money(session, booking) == ("confirmed", 0, 0)
    [told] = await published(BookingConfirmed)
    assert (told.payment_mode, told.paid_cents) == ("on_site", 0)
    assert (await act(shop, booking, "cancel", customer(7), json={})).status_code == 200
    await shop.deliver(agreed(booking))
    assert await money(session, booking) == ("cancelled", 0, 0)
    assert await published(BookingRefundDue) == []


async def test_a_deposit_confirms_and_the_rest_is_counted(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    await shop.deliver(config(2, payment_modes=["deposit"], deposit=Deposit(deposit_bp=2_000)))
    booking = await shop.held()
    assert (booking["payment_mode"], booking["deposit_cents"]) == ("deposit", PRICE // 5)
    await shop.deliver(captured(booking, PRICE // 5))
    assert await money(session, booking) == ("confirmed", PRICE // 5, 0)
    await shop.deliver(more(booking, cents=PRICE - PRICE // 5, purpose="rest"))
    assert await money(session, booking) == ("confirmed", PRICE, 0)


@pytest.mark.parametrize("deposit", [None, Deposit(deposit_bp=10_000), Deposit(deposit_bp=1, minimum_cents=PRICE)])
async def test_a_deposit_of_nothing_or_of_everything_is_none(shop: Shop, deposit: Deposit | None) -> None:
    await shop.deliver(config(2, payment_modes=["deposit"], deposit=deposit))
    booking = await shop.held()
    assert (booking["payment_mode"], booking["deposit_cents"]) == ("full", None)


@pytest.mark.parametrize(
    ("bp", "least", "price", "deposit"), [(2_000, 0, 999, 200), (2_000, 500, 999, 500), (2_000, 5_000, 999, 999)]
)
def test_what_a_deposit_comes_to(bp: int, least: int, price: int, deposit: int) -> None:
    assert Deposit(deposit_bp=bp, minimum_cents=least).of(price) == deposit


@pytest.mark.parametrize(
    ("offered", "chosen", "mode"),
    [
        (["full"], None, "full"), (["full"], "on_site", "full"), (["on_site", "full"], None, "on_site"),
        (["full", "on_site"], "on_site", "on_site"), (["later", "on_site"], "later", "on_site"), ([], "later", "full"),
    ],
)  # fmt: skip
def test_the_way_to_pay_is_the_affiliates_choice_among_the_platforms(
    offered: list[str], chosen: str | None, mode: str
) -> None:
    assert chosen_mode(offered, chosen) == mode


async def test_heard_by_many_at_once_it_counts_once(fresh_shop: Shop) -> None:
    booking = await dearer(fresh_shop, EXTRA)
    await asyncio.gather(*(fresh_shop.deliver(more(booking)) for _ in range(5)))
    found = await fresh_shop.look(booking)
    assert (found["paid_cents"], found["version"]) == (PRICE + EXTRA, booking["version"] + 1)


async def test_moved_back_before_the_difference_is_paid_it_is_called_off(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    """And whoever has just paid it has it back, once."""
    booking = await moved(shop, await dearer(shop), PRICE, version=3, hour=9)
    [off] = await published(BookingChargeCalledOff)
    assert (off.price_cents, off.version) == (PRICE, booking["version"])
    for _ in range(2):
        await shop.deliver(more(booking, cents=2 * EXTRA))
    assert await money(session, booking) == ("confirmed", PRICE + 2 * EXTRA, 2 * EXTRA)
    assert [event.refund_cents for event in await published(BookingRefundDue)] == [2 * EXTRA]


async def test_moved_to_where_it_costs_a_little_more_that_is_asked_for_instead(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    booking = await moved(shop, await dearer(shop), PRICE + 500, version=3, hour=9)
    told = [(type(event).__name__, event.version) for event in (await published())[-3:]]
    last = booking["version"]
    assert told == [
        ("BookingRescheduled", last - 2), ("BookingChargeCalledOff", last - 1), ("BookingChargeDue", last)
    ]  # fmt: skip
    assert [event.charge_cents for event in await published(BookingChargeDue)] == [2 * EXTRA, 500]
    await shop.deliver(more(booking, cents=500))
    assert await money(session, booking) == ("confirmed", PRICE + 500, 0)


async def test_moved_to_where_it_costs_less_than_was_paid_the_charge_is_off_and_the_rest_goes_back(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    booking = await moved(shop, await dearer(shop), PRICE - 500, version=3, hour=9)
    assert len(await published(BookingChargeCalledOff)) == 1
    assert await money(session, booking) == ("confirmed", PRICE, 500)


async def test_what_was_paid_on_top_is_not_called_off_but_goes_back(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    booking = await dearer(shop)
    await shop.deliver(more(booking, cents=2 * EXTRA))
    await moved(shop, booking, PRICE, version=3, hour=9)
    assert await published(BookingChargeCalledOff) == []
    assert await money(session, booking) == ("confirmed", PRICE + 2 * EXTRA, 2 * EXTRA)
