"""Who comes to a place and offers what is asked for: a page with its facets is one statement, its services another.

The place is what narrows a search down (an index on boxes around radii, one on zip codes named); what else is asked
for is looked up in the rows that are left.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Subquery,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import REGCONFIG, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http import MAX_ID, BadCursor, Page, Paged
from shared.places import EARTH_RADIUS_M, Place

from ..domain.finding import CursorOfAnotherSearch, Search, Sort
from ..domain.search import SearchAffiliate, SearchOffer
from .facets import facet_columns
from .service_area import comes_to

ENGLISH = cast(literal_column("'english'"), REGCONFIG)
DOCUMENT: ColumnElement[Any] = literal_column("search_affiliates.document", TSVECTOR)
LIKE_ENOUGH = 0.5  # of 1, for words that are spelled otherwise
MILLIONTHS = 1_000_000
PRICELESS = 10**12  # cents: after all prices that there are
MOST_SERVICES = 5  # shown of an affiliate, the cheapest


async def found(session: AsyncSession, search: Search, page: Page) -> Paged[Row[Any]]:
    """A page in the order asked for, ties by id. Its first row also carries the facets if it is the first page."""
    matching = _matching(search)
    after = _after(search, page)
    order = (matching.c.key, matching.c.id)
    first = select(matching).order_by(*order).limit(page.limit + 1)
    if after is not None:
        first = first.where(tuple_(*order) > after)
    shown = _described(first.subquery("shown"))
    if after is None:
        shown = shown.add_columns(*facet_columns(matching))
    rows = (await session.execute(shown)).all()
    return page.cut(rows, lambda row: ([search.mark, row.key], row.id))


async def services_found(
    session: AsyncSession, search: Search, affiliates: Sequence[int]
) -> Mapping[int, Sequence[Row[Any]]]:
    """What these offer of what is asked for, cheapest first, five each at most."""
    price = _price(search, SearchOffer)
    rank = func.row_number().over(partition_by=SearchOffer.affiliate_id, order_by=(price, SearchOffer.service_id))
    ranked = (
        _offers(search)
        .add_columns(SearchOffer.affiliate_id, SearchOffer.service_id.label("id"), SearchOffer.category)
        .add_columns(SearchOffer.name, price.label("from_price_cents"), rank.label("rank"))
        .where(SearchOffer.affiliate_id.in_(affiliates))
        .subquery()
    )
    rows = await session.execute(select(ranked).where(ranked.c.rank <= MOST_SERVICES).order_by(ranked.c.rank))
    services = defaultdict(list)
    for row in rows:
        services[row.affiliate_id].append(row)
    return services


async def who_serves(session: AsyncSession, place: Place, limit: int) -> Sequence[Row[Any]]:
    """The nearest of those who come there; each row says `of` how many."""
    matching = _matching(Search(place))
    nearest = select(matching, func.count().over().label("of")).order_by(matching.c.key, matching.c.id)
    rows: Sequence[Row[Any]] = (await session.execute(_described(nearest.limit(limit).subquery("shown")))).all()
    return rows


def _described(shown: Subquery) -> Select[Any]:
    """With what is only read of those that are shown: the rest stays narrow, and so in memory."""
    kind = SearchAffiliate
    columns = (kind.name, kind.slug, kind.city, kind.state, kind.timezone, kind.free_days)
    described = select(shown, *columns).join(kind, kind.affiliate_id == shown.c.id)
    return described.order_by(shown.c.key, shown.c.id)


def _matching(search: Search) -> CTE:
    near = _near(search)
    of_all = near.c.lowest_cents if search.size is None else near.c.prices[search.size + 1]
    statement = select(near).where(comes_to(near.c.is_named, near.c.distance_m, near.c.service_radius_m))
    if search.radius_m is not None:
        statement = statement.where(near.c.distance_m <= search.radius_m)
    if search.category is None and search.price_from is None:
        price = of_all
        statement = _priced(statement, search, price)
    else:
        lowest = func.min(_price(search, SearchOffer)).label("cents")
        offered = _offers(search).add_columns(lowest).where(SearchOffer.affiliate_id == near.c.id).correlate(near)
        cheapest = offered.lateral("cheapest")
        price = cheapest.c.cents
        statement = statement.join_from(near, cheapest, true()).where(price.is_not(None))
    return statement.add_columns(price.label("from_price_cents"), _key(search, near, price)).cte("matching")


def _priced(statement: Select[Any], search: Search, price: ColumnElement[int]) -> Select[Any]:
    if search.price_to is not None:
        return statement.where(price <= search.price_to)
    return statement if search.size is None else statement.where(price.is_not(None))


def _near(search: Search) -> Subquery:
    """Whoever may come there, and is what is asked for beside prices."""
    kind, place = SearchAffiliate, search.place
    reach = func.box(func.point(kind.west, kind.south), func.point(kind.east, kind.north))
    spot = func.point(place.longitude, place.latitude)
    is_named = kind.service_zips.contains([place.zip])
    columns: list[Any] = [
        kind.affiliate_id.label("id"), kind.service_radius_m, kind.rating_hundredths, kind.review_count,
        kind.categories, kind.lowest_cents, kind.prices, _distance_m(place).label("distance_m"),
        is_named.label("is_named"),
    ]  # fmt: skip
    statement = select(*columns).where(kind.listed, or_(reach.op("@>")(func.box(spot, spot)), is_named))
    if search.category is not None:
        statement = statement.where(kind.categories.contains([search.category]))
    if search.min_rating is not None:
        statement = statement.where(kind.rating_hundredths >= round(search.min_rating * 100))
    if search.open_on is not None:
        statement = statement.where(kind.free_days.contains([search.open_on]))
    if search.q is not None:
        statement = _with_words(statement, search.q)
    return statement.offset(0).subquery("near")  # worked out as it stands, once, and not written down


def _with_words(statement: Select[Any], q: str) -> Select[Any]:
    """Words of the affiliate, of its offers, of their descriptions, in this order of weight; names also if they are
    spelled a little otherwise."""
    asked = func.websearch_to_tsquery(ENGLISH, q)
    likeness = func.word_similarity(q, SearchAffiliate.name + literal_column("' '") + SearchAffiliate.offered)
    rank = func.ts_rank(DOCUMENT, asked) + likeness
    statement = statement.where(or_(DOCUMENT.op("@@")(asked), likeness >= LIKE_ENOUGH))
    return statement.add_columns(cast(func.round(rank * MILLIONTHS), BigInteger).label("rank"))


def _distance_m(place: Place) -> ColumnElement[int]:
    """Along the great circle (haversine), in whole metres, so that a cursor can name it exactly."""
    latitude, longitude = math.radians(place.latitude), math.radians(place.longitude)
    rise = func.power(func.sin((func.radians(SearchAffiliate.latitude) - latitude) / 2), 2)
    turn = func.power(func.sin((func.radians(SearchAffiliate.longitude) - longitude) / 2), 2)
    half_chord = rise + math.cos(latitude) * func.cos(func.radians(SearchAffiliate.latitude)) * turn
    angle = 2 * func.asin(func.sqrt(func.least(1.0, half_chord)))
    return cast(func.round(EARTH_RADIUS_M * angle), BigInteger)


def _price(search: Search, of: type[SearchOffer]) -> ColumnElement[Any]:
    return of.lowest_cents if search.size is None else of.prices[search.size + 1]  # type: ignore[return-value]


def _offers(search: Search) -> Select[Any]:
    """Offers that fit what is asked for; the columns are the caller's."""
    price = _price(search, SearchOffer)
    statement = select().select_from(SearchOffer).where(SearchOffer.listed, price.is_not(None))
    if search.category is not None:
        statement = statement.where(SearchOffer.category == search.category)
    if search.price_from is not None:
        statement = statement.where(price >= search.price_from)
    if search.price_to is not None:
        statement = statement.where(price <= search.price_to)
    return statement


def _key(search: Search, near: Subquery, price: ColumnElement[Any]) -> ColumnElement[int]:
    """Whole numbers, lowest first, whatever the order: a cursor names them exactly."""
    match search.sort:
        case Sort.DISTANCE:
            key: ColumnElement[Any] = near.c.distance_m
        case Sort.PRICE:
            key = func.coalesce(price, PRICELESS)
        case Sort.RATING:  # of the same rating, first who has it from more people
            reviews = func.least(near.c.review_count, MILLIONTHS - 1)
            key = -(func.coalesce(near.c.rating_hundredths, 0) * MILLIONTHS + reviews)
        case Sort.RELEVANCE:
            key = -near.c.rank
    return cast(key, BigInteger).label("key")


def _after(search: Search, page: Page) -> tuple[int, int] | None:
    after = page.after()
    if after is None:
        return None
    match after:
        case ([str(mark), int(key)], int(affiliate_id)) if type(key) is int and abs(key) <= MAX_ID:
            if mark != search.mark:
                raise CursorOfAnotherSearch
            return key, affiliate_id
    raise BadCursor
