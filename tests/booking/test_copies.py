"""What booking keeps of catalog: the newest version stays, whatever comes late, twice or in reverse."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.offer import Tier
from services.booking.domain.prices import AffiliatePrices, PromotionCode
from shared.ids import new_id
from shared.pricing import PriceList, SizePrice
from shared.testing.plugin import Deliver
from shared.vehicles import SizeClass

from .conftest import price_list, promotion, published_offer

LATE_AND_TWICE = pytest.mark.parametrize("versions", [(1, 2, 3), (3, 2, 1), (3, 3, 1, 3), (2, 3, 2)])


async def kept(session: AsyncSession, column: Any) -> Any:
    session.expire_all()
    return (await session.scalars(select(column))).one()


@LATE_AND_TWICE
async def test_of_a_price_list(deliver: Deliver, session: AsyncSession, versions: tuple[int, ...]) -> None:
    for version in versions:
        await deliver(price_list(version, minimum_cents=version * 1000))
    assert await kept(session, AffiliatePrices.rules) == PriceList(minimum_cents=3000)


@LATE_AND_TWICE
async def test_of_a_promotion(deliver: Deliver, session: AsyncSession, versions: tuple[int, ...]) -> None:
    for version in versions:
        await deliver(promotion(version, amount_cents=version * 100))
    found = await kept(session, PromotionCode)
    assert (found.code, found.promotion.amount_cents, found.promotion.percent_bp) == ("SPRING", 300, None)


@LATE_AND_TWICE
async def test_of_a_tiers_sizes(deliver: Deliver, session: AsyncSession, versions: tuple[int, ...]) -> None:
    for version in versions:
        suv = SizePrice(size_class=SizeClass.SUV, price_cents=version * 10_000)
        await deliver(published_offer(version, size_prices=[suv]))
    found = await kept(session, Tier)
    assert (found.category, found.size_prices) == (
        "full",
        [SizePrice(size_class=SizeClass.SUV, price_cents=30_000)],
    )


async def test_the_same_message_changes_nothing(deliver: Deliver, session: AsyncSession) -> None:
    event, event_id = price_list(1, minimum_cents=1000), new_id()
    for _ in range(2):
        await deliver(event, event_id)
    assert await kept(session, AffiliatePrices.version) == 1
