"""The search's rows, and the facts they follow from."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import Insert, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.catalog import AffiliateEvent, OfferEvent, PriceListChanged
from shared.db import kept
from shared.events import CONTRACTS
from shared.outbox import BusinessEvent
from shared.pricing import PriceList

from ..domain.affiliate import Affiliate
from ..domain.search import Fact, FreeDays, Listing, SearchAffiliate, SearchOffer

FACTS = [kind.aggregate for kind in (AffiliateEvent, OfferEvent, PriceListChanged)]
KNOWN = insert(SearchAffiliate.__table__).on_conflict_do_nothing()  # type: ignore[arg-type]


async def lock_listing(session: AsyncSession, affiliate_id: int) -> Listing:
    """One affiliate's rows, locked by that of the affiliate, which is there from its first fact on, whichever it is."""
    await session.execute(KNOWN, {"affiliate_id": affiliate_id, "rules": PriceList()})
    affiliate = await session.get_one(SearchAffiliate, affiliate_id, with_for_update=True, populate_existing=True)
    of = select(SearchOffer).where(SearchOffer.affiliate_id == affiliate_id).execution_options(populate_existing=True)
    offers = (await session.scalars(of)).all()
    return Listing(affiliate, {offer.service_id: offer for offer in offers})


async def newest_facts(session: AsyncSession, affiliates: int) -> AsyncIterator[Sequence[Fact]]:
    """The newest fact of each affiliate, offer and price list; all of so many affiliates at a time, by affiliate."""
    aggregate = (BusinessEvent.aggregate_type, BusinessEvent.aggregate_id)
    newest = (
        select(BusinessEvent.type, BusinessEvent.payload)
        .ext(distinct_on(*aggregate))
        .where(BusinessEvent.aggregate_type.in_(FACTS))
        .order_by(*aggregate, BusinessEvent.aggregate_version.desc())
        .subquery()
    )
    affiliate_id = cast(newest.c.payload["affiliate_id"].astext, BigInteger)
    rows = await session.stream(select(newest.c.type, newest.c.payload).order_by(affiliate_id))
    found: list[Fact] = []
    seen: set[int] = set()
    async for type, payload in rows:
        fact = CONTRACTS[type].model_validate(payload)
        assert isinstance(fact, AffiliateEvent | OfferEvent | PriceListChanged)
        if len(seen) == affiliates and fact.affiliate_id not in seen:
            yield found
            found, seen = [], set()
        found.append(fact)
        seen.add(fact.affiliate_id)
    yield found


def with_free_days() -> Insert:
    """What booking told, put into the affiliates' rows, and into new ones where there are none."""
    rows = insert(SearchAffiliate.__table__)  # type: ignore[arg-type]
    told = select(FreeDays.affiliate_id, literal(PriceList(), kept(PriceList)), FreeDays.days)
    rows = rows.from_select(["affiliate_id", "rules", "free_days"], told, include_defaults=False)
    return rows.on_conflict_do_update(index_elements=["affiliate_id"], set_={"free_days": rows.excluded.free_days})


async def is_incomplete(session: AsyncSession) -> bool:
    """Whether affiliates that are older than an hour are missing."""
    there = exists().where(SearchAffiliate.affiliate_id == Affiliate.id, SearchAffiliate.version > 0)
    missing = exists(Affiliate.id).where(Affiliate.created_at < func.now() - timedelta(hours=1), ~there)
    return bool(await session.scalar(select(missing)))
