"""A price held on a card: it confirms with nothing paid, is counted when it is taken, and a late end has a fee."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.jobs import expire_unpaid
from shared.auth import Actor
from shared.clock import frozen
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingNoShow,
    BookingPaid,
    BookingRefundDue,
)
from shared.contracts.payments import CardSaved, PaymentAuthorised
from shared.testing.plugin import Published
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, PRICE, Shop, captured, config, monday_at
from .test_life import act, run_out
from .test_more_money import money, more

LATE_FEE = PRICE // 2
Agreed = Callable[..., PaymentAuthorised | CardSaved]


def authorised(booking: dict[str, Any], **told: Any) -> PaymentAuthorised:
    return PaymentAuthorised(**captured(booking, **told).model_dump() | {"status": "authorised"})


def card_saved(booking: dict[str, Any], **told: Any) -> CardSaved:
    return CardSaved(**captured(booking, **told).model_dump() | {"status": "card_saved"})


@pytest_asyncio.fixture
async def held(shop: Shop) -> dict[str, Any]:
    await shop.deliver(config(2, payment_modes=["authorise"]))
    booking = await shop.held()
    assert booking["payment_mode"] == "authorise"
    return booking


@pytest_asyncio.fixture
async def confirmed(shop: Shop, held: dict[str, Any]) -> dict[str, Any]:
    await shop.deliver(authorised(held))
    return held


async def end(shop: Shop, booking: dict[str, Any], verb: str, by: Actor) -> None:
    assert (await act(shop, booking, verb, by, json={})).status_code == 200


def late(booking: dict[str, Any], hours: float = 1) -> AbstractContextManager[Any]:
    return frozen(datetime.fromisoformat(booking["appointment_start"]) - timedelta(hours=hours))


@pytest.mark.parametrize("agreed", [authorised, card_saved])
async def test_what_is_agreed_to_confirms_with_nothing_paid(
    shop: Shop, held: dict[str, Any], session: AsyncSession, published: Published, agreed: Agreed
) -> None:
    for _ in range(2):
        await shop.deliver(agreed(held))
    assert await money(session, held) == ("confirmed", 0, 0)
    await shop.deliver(authorised(held))
    [told] = await published(BookingConfirmed)
    assert (told.payment_mode, told.paid_cents, told.fee_cents) == ("authorise", 0, 0)


async def test_what_is_taken_when_it_is_done_counts_once(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    with late(confirmed, 0.5):
        await end(shop, confirmed, "complete", member(AFFILIATE))
    for _ in range(2):
        await shop.deliver(captured(confirmed))
    assert await money(session, confirmed) == ("completed", PRICE, 0)
    assert [told.paid_cents for told in await published(BookingPaid)] == [PRICE]
    assert await published(BookingRefundDue) == []


async def test_cancelled_in_time_costs_nothing(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    await end(shop, confirmed, "cancel", customer(7))
    [told] = await published(BookingCancelled)
    assert (told.fee_due_cents, told.fee_cents, told.refund_cents) == (0, 0, 0)
    await shop.deliver(authorised(confirmed))
    assert await money(session, confirmed) == ("cancelled", 0, 0)


async def test_cancelled_late_has_a_fee_that_stays(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    with late(confirmed):
        await end(shop, confirmed, "cancel", customer(7))
    [told] = await published(BookingCancelled)
    assert (told.fee_due_cents, told.fee_cents, told.refund_cents) == (LATE_FEE, LATE_FEE, 0)
    for _ in range(2):
        await shop.deliver(captured(confirmed, LATE_FEE))
    assert await money(session, confirmed) == ("cancelled", LATE_FEE, 0)
    assert (await shop.look(confirmed))["fee_cents"] == LATE_FEE
    assert await published(BookingRefundDue) == []


async def test_a_fee_may_come_as_a_payment_of_its_own(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession
) -> None:
    with late(confirmed):
        await end(shop, confirmed, "cancel", customer(7))
    await shop.deliver(more(confirmed, cents=LATE_FEE, purpose="fee"))
    assert await money(session, confirmed) == ("cancelled", LATE_FEE, 0)


async def test_more_than_the_fee_goes_back(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    """An extra was on its way when it was cancelled: together they are the fee."""
    with late(confirmed):
        await end(shop, confirmed, "cancel", customer(7))
    await shop.deliver(more(confirmed, cents=5_000))
    await shop.deliver(captured(confirmed, LATE_FEE))
    assert await money(session, confirmed) == ("cancelled", LATE_FEE + 5_000, 5_000)
    assert [told.refund_cents for told in await published(BookingRefundDue)] == [5_000]


async def test_what_was_paid_on_top_is_part_of_the_fee(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    await shop.deliver(more(confirmed, cents=5_000))
    with late(confirmed):
        await end(shop, confirmed, "cancel", customer(7))
    [told] = await published(BookingCancelled)
    assert (told.fee_due_cents, told.refund_cents) == (LATE_FEE - 5_000, 0)
    await shop.deliver(captured(confirmed, LATE_FEE - 5_000))
    assert await money(session, confirmed) == ("cancelled", LATE_FEE, 0)


async def test_an_affiliate_that_cancels_late_costs_the_customer_nothing(
    shop: Shop, confirmed: dict[str, Any], published: Published
) -> None:
    with late(confirmed):
        await end(shop, confirmed, "cancel", member(AFFILIATE))
    assert [told.fee_due_cents for told in await published(BookingCancelled)] == [0]


async def test_nobody_at_the_door_costs_what_was_agreed(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    with late(confirmed, -0.5):
        await end(shop, confirmed, "no-show", member(AFFILIATE))
    assert [told.fee_due_cents for told in await published(BookingNoShow)] == [PRICE]
    await shop.deliver(captured(confirmed))
    assert await money(session, confirmed) == ("no_show", PRICE, 0)


async def test_what_nobody_had_agreed_to_costs_nothing_however_late(
    shop: Shop, held: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    with late(held):
        await end(shop, held, "cancel", customer(7))
    assert [told.fee_due_cents for told in await published(BookingCancelled)] == [0]
    await shop.deliver(captured(held))
    assert await money(session, held) == ("cancelled", PRICE, PRICE)


@pytest.mark.parametrize("agreed", [authorised, card_saved])
async def test_agreed_too_late_takes_the_time_again_if_it_is_free(
    shop: Shop, held: dict[str, Any], session: AsyncSession, agreed: Agreed
) -> None:
    await run_out(session, held)
    await expire_unpaid(session)
    await session.flush()
    await shop.deliver(agreed(held))
    assert await money(session, held) == ("confirmed", 0, 0)


async def test_agreed_too_late_for_a_time_that_is_gone_is_called_off(
    shop: Shop, held: dict[str, Any], session: AsyncSession, published: Published
) -> None:
    await run_out(session, held)
    await shop.held(by=customer(8))
    for _ in range(2):
        await shop.deliver(authorised(held))
    assert await money(session, held) == ("cancelled", 0, 0)
    [told] = await published(BookingCancelled)
    assert (told.cancelled_by, told.refund_cents, told.fee_due_cents) == ("platform", 0, 0)


async def test_it_moves_at_the_price_that_was_agreed(
    shop: Shop, confirmed: dict[str, Any], session: AsyncSession
) -> None:
    body = {"starts_at": monday_at(15)}
    assert (await act(shop, confirmed, "reschedule", customer(7), json=body)).status_code == 200
    assert (await shop.look(confirmed))["price_cents"] == PRICE
    await shop.deliver(captured(confirmed))
    assert await money(session, confirmed) == ("confirmed", PRICE, 0)
