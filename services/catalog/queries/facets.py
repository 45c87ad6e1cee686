"""How many of what was found have what: columns of the search's first page, worked out once for all its rows."""

from sqlalchemy import CTE, ColumnElement, ScalarSelect, func, select
from sqlalchemy.dialects.postgresql import array

from ..domain.finding import PRICE_BUCKETS, RATING_BUCKETS
from ..domain.search import SIZES


def facet_columns(matching: CTE) -> list[ColumnElement]:  # type: ignore[type-arg]
    return [
        _categories(matching).label("category_counts"),
        _counts([matching.c.prices[size + 1].is_not(None) for size in range(len(SIZES))]).label("size_counts"),
        _counts([matching.c.rating_hundredths >= least for least in RATING_BUCKETS]).label("rating_counts"),
        _counts([matching.c.from_price_cents <= most for most in PRICE_BUCKETS]).label("price_counts"),
        select(func.count()).select_from(matching).scalar_subquery().label("count"),
    ]


def _categories(matching: CTE) -> ScalarSelect:  # type: ignore[type-arg]
    category = func.unnest(matching.c.categories).label("category")
    each = select(category).subquery()
    counted = select(each.c.category, func.count().label("n")).group_by(each.c.category).subquery()
    return select(func.jsonb_object_agg(counted.c.category, counted.c.n)).scalar_subquery()


def _counts(conditions: list[ColumnElement[bool]]) -> ScalarSelect:  # type: ignore[type-arg]
    return select(array([func.count().filter(condition) for condition in conditions])).scalar_subquery()
