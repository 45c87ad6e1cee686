"""Who comes to a place and offers what is asked for: a page with its facets is one statement, its services another.

The place is what narrows a search down (an index on boxes around radii, one on zip codes named); what else is asked
for is looked up in the rows that are left.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    Date,
    Double,
    Row,
    Select,
    String,
    Subquery,
    any_,
    bindparam,
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
from sqlalchemy.types import TypeEngine

from shared.http import MAX_ID, BadCursor, Page, Paged
from shared.places import EARTH_RADIUS_M, Place

from ..domain.finding import CursorOfAnotherSearch, Search, Shape, Sort
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
    after = _after(search, page)
    asked = _values(search) | {"most": page.limit + 1}
    if after is not None:
        asked |= {"after_key": after[0], "after_id": after[1]}
    rows = (await session.execute(_page(search.shape, after is None), asked)).all()
    return page.cut(rows, lambda row: ([search.mark, row.key], row.id))


async def services_found(
    session: AsyncSession, search: Search, affiliates: Sequence[int]
) -> Mapping[int, Sequence[Row[Any]]]:
    """What these offer of what is asked for, cheapest first, five each at most."""
    asked = _values(search) | {"affiliates": affiliates}
    services = defaultdict(list)
    for row in await session.execute(_services(search.shape), asked):
        services[row.affiliate_id].append(row)
    return services


async def who_serves(session: AsyncSession, place: Place, limit: int) -> Sequence[Row[Any]]:
    """The nearest of those who come there; each row says `of` how many."""
    rows: Sequence[Row[Any]] = (await session.execute(_serving(), _values(Search(place)) | {"most": limit})).all()
    return rows


# Statements are built once for each shape of a search: building one costs many times what sending it does.


def _values(search: Search) -> dict[str, Any]:
    place = search.place
    latitude, longitude = math.radians(place.latitude), math.radians(place.longitude)
    return {
        "zips": [place.zip], "at_latitude": place.latitude, "at_longitude": place.longitude, "latitude": latitude,
        "longitude": longitude, "cos_latitude": math.cos(latitude), "radius_m": search.radius_m,
        "category": search.category, "categories": [search.category], "price_from": search.price_from,
        "price_to": search.price_to, "rating": round((search.min_rating or 0) * 100), "q": search.q,
        "days": [search.open_on],
    }  # fmt: skip


@lru_cache(maxsize=1_000)
def _page(shape: Shape, is_first: bool) -> Select[Any]:
    matching = _matching(shape)
    order = (matching.c.key, matching.c.id)
    page = select(matching).order_by(*order).limit(_asked("most", BigInteger))
    if not is_first:
        page = page.where(tuple_(*order) > tuple_(_asked("after_key", BigInteger), _asked("after_id", BigInteger)))
    shown = _described(page.subquery("shown"))
    return shown.add_columns(*facet_columns(matching)) if is_first else shown


@lru_cache(maxsize=1_000)
def _services(shape: Shape) -> Select[Any]:
    price = _price(shape, SearchOffer)
    rank = func.row_number().over(partition_by=SearchOffer.affiliate_id, order_by=(price, SearchOffer.service_id))
    ranked = (
        _offers(shape)
        .add_columns(SearchOffer.affiliate_id, SearchOffer.service_id.label("id"), SearchOffer.category)
        .add_columns(SearchOffer.name, price.label("from_price_cents"), rank.label("rank"))
        .where(SearchOffer.affiliate_id == any_(_asked("affiliates", ARRAY(BigInteger))))
        .subquery()
    )
    return select(ranked).where(ranked.c.rank <= MOST_SERVICES).order_by(ranked.c.rank)


@lru_cache(maxsize=1)
def _serving() -> Select[Any]:
    matching = _matching(Shape(frozenset(), None, Sort.DISTANCE))
    nearest = select(matching, func.count().over().label("of")).order_by(matching.c.key, matching.c.id)
    return _described(nearest.limit(_asked("most", BigInteger)).subquery("shown"))


def _asked(name: str, type_: type[TypeEngine[Any]] | TypeEngine[Any]) -> BindParameter[Any]:
    return bindparam(name, type_=type_)


def _described(shown: Subquery) -> Select[Any]:
    """With what is only read of those that are shown: the rest stays narrow, and so in memory."""
    kind = SearchAffiliate
    columns = (kind.name, kind.slug, kind.city, kind.state, kind.timezone, kind.free_days)
    described = select(shown, *columns).join(kind, kind.affiliate_id == shown.c.id)
    return described.order_by(shown.c.key, shown.c.id)


def _matching(shape: Shape) -> CTE:
    near, filters = _near(shape), shape.filters
    of_all = near.c.lowest_cents if shape.size is None else near.c.prices[shape.size + 1]
    statement = select(near).where(comes_to(near.c.is_named, near.c.distance_m, near.c.service_radius_m))
    if "radius_m" in filters:
        statement = statement.where(near.c.distance_m <= _asked("radius_m", BigInteger))
    if not filters & {"category", "price_from"}:
        price = of_all
        statement = _priced(statement, shape, price)
    else:
        lowest = func.min(_price(shape, SearchOffer)).label("cents")
        offered = _offers(shape).add_columns(lowest).where(SearchOffer.affiliate_id == near.c.id).correlate(near)
        cheapest = offered.lateral("cheapest")
        price = cheapest.c.cents
        statement = statement.join_from(near, cheapest, true()).where(price.is_not(None))
    return statement.add_columns(price.label("from_price_cents"), _key(shape, near, price)).cte("matching")


def _priced(statement: Select[Any], shape: Shape, price: ColumnElement[int]) -> Select[Any]:
    if "price_to" in shape.filters:
        return statement.where(price <= _asked("price_to", BigInteger))
    return statement if shape.size is None else statement.where(price.is_not(None))


def _near(shape: Shape) -> Subquery:
    """Whoever may come there, and is what is asked for beside prices."""
    kind = SearchAffiliate
    reach = func.box(func.point(kind.west, kind.south), func.point(kind.east, kind.north))
    spot = func.point(_asked("at_longitude", Double), _asked("at_latitude", Double))
    is_named = kind.service_zips.contains(_asked("zips", ARRAY(String)))
    columns: list[Any] = [
        kind.affiliate_id.label("id"), kind.service_radius_m, kind.rating_hundredths, kind.review_count,
        kind.categories, kind.lowest_cents, kind.prices, _distance_m().label("distance_m"), is_named.label("is_named"),
    ]  # fmt: skip
    statement = select(*columns).where(kind.listed, or_(reach.op("@>")(func.box(spot, spot)), is_named))
    if "category" in shape.filters:
        statement = statement.where(kind.categories.contains(_asked("categories", ARRAY(String))))
    if "min_rating" in shape.filters:
        statement = statement.where(kind.rating_hundredths >= _asked("rating", BigInteger))
    if "open_on" in shape.filters:
        statement = statement.where(kind.free_days.contains(_asked("days", ARRAY(Date))))
    if "q" in shape.filters:
        statement = _with_words(statement)
    return statement.offset(0).subquery("near")  # worked out as it stands, once, and not written down


def _with_words(statement: Select[Any]) -> Select[Any]:
    """Words of the affiliate, of its offers, of their descriptions, in this order of weight; names also if they are
    spelled a little otherwise."""
    q = _asked("q", String)
    asked = func.websearch_to_tsquery(ENGLISH, q)
    likeness = func.word_similarity(q, SearchAffiliate.name + literal_column("' '") + SearchAffiliate.offered)
    rank = func.ts_rank(DOCUMENT, asked) + likeness
    statement = statement.where(or_(DOCUMENT.op("@@")(asked), likeness >= LIKE_ENOUGH))
    return statement.add_columns(cast(func.round(rank * MILLIONTHS), BigInteger).label("rank"))


def _distance_m() -> ColumnElement[int]:
    """Along the great circle (haversine), in whole metres, so that a cursor can name it exactly."""
    latitude, longitude = _asked("latitude", Double), _asked("longitude", Double)
    rise = func.power(func.sin((func.radians(SearchAffiliate.latitude) - latitude) / 2), 2)
    turn = func.power(func.sin((func.radians(SearchAffiliate.longitude) - longitude) / 2), 2)
    half_chord = rise + _asked("cos_latitude", Double) * func.cos(func.radians(SearchAffiliate.latitude)) * turn
    angle = 2 * func.asin(func.sqrt(func.least(1.0, half_chord)))
    return cast(func.round(EARTH_RADIUS_M * angle), BigInteger)


def _price(shape: Shape, of: type[SearchOffer]) -> ColumnElement[Any]:
    return of.lowest_cents if shape.size is None else of.prices[shape.size + 1]  # type: ignore[return-value]


def _offers(shape: Shape) -> Select[Any]:
    """Offers that fit what is asked for; the columns are the caller's."""
    price = _price(shape, SearchOffer)
    statement = select().select_from(SearchOffer).where(SearchOffer.listed, price.is_not(None))
    if "category" in shape.filters:
        statement = statement.where(SearchOffer.category == _asked("category", String))
    if "price_from" in shape.filters:
        statement = statement.where(price >= _asked("price_from", BigInteger))
    if "price_to" in shape.filters:
        statement = statement.where(price <= _asked("price_to", BigInteger))
    return statement


def _key(shape: Shape, near: Subquery, price: ColumnElement[Any]) -> ColumnElement[int]:
    """Whole numbers, lowest first, whatever the order: a cursor names them exactly."""
    match shape.sort:
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
