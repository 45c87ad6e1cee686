"""The search's read model follows from catalog's facts, in whatever order and however often they come."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from services.catalog.commands.search import build_search, rebuild_search, show_in_search
from services.catalog.domain.search import SIZES, Fact, Listing, SearchAffiliate, SearchOffer
from shared.contracts.booking import FreeDaysChanged
from shared.contracts.catalog import (
    AffiliateApplied,
    AffiliateApproved,
    AffiliateChanged,
    AffiliateEvent,
    AffiliateReinstated,
    AffiliateSuspended,
    OfferChanged,
    OfferEvent,
    OfferPublished,
    OfferWithdrawn,
    PriceListChanged,
    Tier,
)
from shared.db import Database
from shared.outbox import record
from shared.pricing import PriceList, SizeMultiplier, SizePrice
from shared.testing.plugin import Deliver, until
from shared.vehicles import SizeClass

from .conftest import Made

AFFILIATES = (1, 2)
STEPS: list[type[AffiliateEvent]] = [AffiliateChanged, AffiliateSuspended, AffiliateReinstated]


def affiliate(kind: type[AffiliateEvent], affiliate_id: int, version: int, **more: Any) -> AffiliateEvent:
    facts = {
        "owner_user_id": 5, "name": f"Shine {version}", "slug": f"shine-{affiliate_id}", "city": "New York",
        "state": "NY", "zip": "11201", "timezone": "America/New_York", "latitude": 40.69, "longitude": -73.99,
        "service_radius_m": 1000 * version, "service_zips": ["10001"] * (version % 2), "review_count": version,
        "application_status": "approved",
    } | more  # fmt: skip
    return kind(affiliate_id=affiliate_id, version=version, **facts)


def offer(kind: type[OfferEvent], service_id: int, version: int, **more: Any) -> OfferEvent:
    tiers = [
        Tier(tier_id=service_id * 10, version=version, name="Basic", price_cents=5_000 + 100 * version,
             duration_minutes=60, active=True),
        Tier(tier_id=service_id * 10 + 1, version=version, name="Large", price_cents=9_000, duration_minutes=90,
             active=version % 2 == 0, size_prices=[SizePrice(size_class=SizeClass.RV, price_cents=4_000)]),
    ]  # fmt: skip
    facts = {"category": "full", "name": f"Detail {version}", "active": True, "tiers": tiers, "description": "Soft wax"}
    return kind(
        service_id=service_id,
        affiliate_id=AFFILIATES[service_id % 2],
        version=version,
        **facts | more,
    )


def rules(affiliate_id: int, version: int) -> PriceListChanged:
    sizes = [SizeMultiplier(size_class=SizeClass.SUV, multiplier_bp=10_000 + 500 * version)]
    listed = PriceList(sizes=sizes) if version % 2 else PriceList()
    return PriceListChanged(price_list_id=affiliate_id, affiliate_id=affiliate_id, version=version, rules=listed)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Aggregates with versions without gaps, whatever happened in each step."""
    facts: list[Fact] = []
    for affiliate_id in AFFILIATES:
        kinds = draw(st.lists(st.sampled_from(STEPS), max_size=4))
        facts.append(affiliate(AffiliateApplied, affiliate_id, 1, application_status="submitted"))
        for version, kind in enumerate(kinds, 2):
            status = "suspended" if kind is AffiliateSuspended else "approved"
            more = {"reason": "So."} if kind is AffiliateSuspended else {}
            facts.append(affiliate(kind, affiliate_id, version, application_status=status, **more))
        facts += [rules(affiliate_id, version) for version in range(1, draw(st.integers(0, 3)) + 1)]
    for service_id in range(1, draw(st.integers(0, 4)) + 1):
        withdrawals = draw(st.lists(st.booleans(), max_size=3))
        facts.append(offer(OfferPublished, service_id, 1))
        for version, withdrawn in enumerate(withdrawals, 2):
            category = draw(st.sampled_from(["full", "interior"]))
            change = OfferWithdrawn if withdrawn else OfferChanged
            facts.append(offer(change, service_id, version, active=not withdrawn, category=category))
    return facts


@st.composite
def retellings(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    history = draw(histories())
    again = draw(st.lists(st.sampled_from(history), max_size=5))
    return history, draw(st.permutations(history + again))


def told(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    listings = {id: Listing(SearchAffiliate(affiliate_id=id), {}) for id in AFFILIATES}
    for fact in facts:
        listings[fact.affiliate_id].take(fact)
    return [
        _columns(row)
        for listing in listings.values()
        for row in (listing.affiliate, *(listing.offers[id] for id in sorted(listing.offers)))
    ]


def _columns(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if not column.key.endswith("d_at")}


@given(retellings())
def test_whatever_the_order_and_however_often_the_rows_are_the_same(both: tuple[list[Fact], list[Fact]]) -> None:
    history, retold = both
    assert told(retold) == told(history)


def test_prices_by_size_follow_from_tiers_and_price_list_as_they_are_paid() -> None:
    listing = Listing(SearchAffiliate(affiliate_id=2), {})
    listing.take(affiliate(AffiliateApproved, 2, 1), offer(OfferPublished, 1, 2))
    by_size = dict(zip(SIZES, listing.affiliate.prices, strict=True))
    assert (by_size[SizeClass.SUV], by_size[SizeClass.RV], listing.affiliate.lowest_cents) == (5_200, 4_000, 4_000)
    listing.take(rules(2, 1))
    by_size = dict(zip(SIZES, listing.affiliate.prices, strict=True))
    assert (by_size.pop(SizeClass.SUV), by_size.pop(SizeClass.RV)) == (5_460, 4_000)
    assert set(by_size.values()) == {None}


def test_whoever_is_not_found_is_not_described() -> None:
    listing = Listing(SearchAffiliate(affiliate_id=1), {})
    listing.take(affiliate(AffiliateApproved, 1, 1))
    assert (listing.affiliate.listed, listing.affiliate.name) == (True, "Shine 1")
    listing.take(affiliate(AffiliateSuspended, 1, 2, application_status="suspended", reason="So."))
    assert (listing.affiliate.listed, listing.affiliate.name, listing.affiliate.slug) == (False, "", "")


HISTORY: list[Fact] = [
    affiliate(AffiliateApplied, 1, 1, application_status="submitted"), affiliate(AffiliateApproved, 1, 2),
    affiliate(AffiliateApplied, 2, 1, application_status="submitted"), affiliate(AffiliateApproved, 2, 2),
    offer(OfferPublished, 1, 1), offer(OfferPublished, 2, 1), rules(2, 1),
    offer(OfferChanged, 1, 2, category="interior"),
    affiliate(AffiliateChanged, 1, 3, rating_hundredths=450), offer(OfferPublished, 3, 1), rules(2, 2),
    affiliate(AffiliateSuspended, 2, 3, application_status="suspended", reason="So."), rules(1, 1),
    offer(OfferWithdrawn, 2, 2, active=False), affiliate(AffiliateReinstated, 2, 4),
]  # fmt: skip
FREE: list[FreeDaysChanged] = [
    FreeDaysChanged(free_days_id=id, affiliate_id=id, version=version, days=days)
    for id, version, days in [(1, 1, []), (1, 2, ["2026-01-05"]), (2, 1, ["2026-01-06", "2026-01-07"]), (9, 1, [])]
]
ORDERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "in order": lambda facts: facts,
    "twice": lambda facts: facts + facts,
    "in reverse": lambda facts: facts[::-1],
    "shuffled": lambda facts: random.Random(7).sample(facts * 2, len(facts) * 2),
}


async def rows(database: Database) -> list[dict[str, Any]]:
    """Every column but the times."""
    async with database.read() as session:
        of = [
            f"select to_jsonb(t) - 'created_at' - 'updated_at' from search_{name} t order by {key}"  # noqa: S608
            for name, key in (("affiliates", "affiliate_id"), ("offers", "service_id"))
        ]
        return [row for statement in of for row in await session.scalars(text(statement))]


@pytest.mark.parametrize("order", ORDERS)
async def test_the_tables_follow_too_and_made_anew_they_are_the_same(
    database: Database, deliver: Deliver, order: str
) -> None:
    for fact in HISTORY + FREE:
        await deliver(fact)
    expected = await rows(database)
    assert len(expected) == 3 + 3
    async with database.begin() as session:
        for table in ("search_offers", "search_affiliates", "free_days"):
            await session.execute(text(f"delete from {table}"))  # noqa: S608
        for fact in HISTORY:
            record(session, fact)
    for fact in ORDERS[order](HISTORY + FREE):
        await deliver(fact)
    assert await rows(database) == expected
    async with database.begin() as session:
        await session.execute(text("update search_affiliates set name = 'astray', version = 99"))
        await session.execute(text("delete from search_offers where service_id = 1"))
        assert await rebuild_search(session) == len(AFFILIATES)
    assert await rows(database) == expected


async def test_what_is_told_at_once_of_one_affiliate_is_taken_in_one_after_the_other(fresh_database: Database) -> None:
    """An offer reckoned with the old price list would stand at the old price for good."""

    async def show(fact: Fact) -> None:
        async with fresh_database.begin() as session:
            await show_in_search(session, fact)

    async def waits() -> bool:
        async with fresh_database.read() as session:
            return bool(await session.scalar(text("select exists (select from pg_locks where not granted)")))

    async with fresh_database.begin() as session:
        await show_in_search(session, rules(2, 1))
        other = asyncio.create_task(show(offer(OfferPublished, 1, 1)))
        await until(waits)
    await other
    async with fresh_database.read() as session:
        shown = await session.get_one(SearchOffer, 1)
        summed = await session.get_one(SearchAffiliate, 2)
    assert shown.prices == summed.prices
    assert shown.prices[SIZES.index(SizeClass.SUV)] == 5_355


async def test_a_model_that_lacks_affiliates_is_built(database: Database, applied: Made) -> None:
    affiliate = await applied()
    async with database.begin() as session:
        await build_search(session)
        assert await session.get(SearchAffiliate, affiliate["id"]) is None, "its fact is on its way"
        await session.execute(text("update affiliates set created_at = now() - interval '2 hours'"))
        await build_search(session)
        assert await session.get(SearchAffiliate, affiliate["id"])
