"""What the search takes and gives. Prices are cents of the configuration's currency, distances metres."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import Field

from shared.http import Day, Line, PageView, View
from shared.places import Place, place_at, place_of
from shared.pricing import MAX_PRICE_CENTS
from shared.vehicles import SizeClass

from ..domain.finding import PRICE_BUCKETS, RATING_BUCKETS, NoPlace, Search, Sort
from ..domain.search import SIZES
from ..domain.service_area import MAX_RADIUS_M
from .words import CATEGORY, ZIP

Latitude = Annotated[float | None, Query(ge=-90, le=90, allow_inf_nan=False, description="degrees, WGS 84")]
Longitude = Annotated[float | None, Query(ge=-180, le=180, allow_inf_nan=False, description="degrees, WGS 84")]
Price = Annotated[int | None, Query(ge=0, le=MAX_PRICE_CENTS, description="cents, of the size asked for if one is")]


def place_asked(
    zip: Annotated[str | None, Query(pattern=ZIP)] = None, latitude: Latitude = None, longitude: Longitude = None
) -> Place:
    """A zip code's centroid, or just where one is, in the nearest zip code."""
    if zip is not None and latitude is longitude is None:
        return place_of(zip)
    if zip is None and latitude is not None and longitude is not None:
        return replace(place_at(latitude, longitude), latitude=latitude, longitude=longitude)
    raise NoPlace


class SearchQuery:
    """Reads a search off the query; its refusals are the domain's."""

    def __init__(
        self,
        zip: Annotated[str | None, Query(pattern=ZIP)] = None,
        latitude: Latitude = None,
        longitude: Longitude = None,
        radius_m: Annotated[int | None, Query(ge=1, le=MAX_RADIUS_M, description="metres")] = None,
        category: Annotated[str | None, Query(pattern=CATEGORY)] = None,
        size_class: SizeClass | None = None,
        price_from: Price = None,
        price_to: Price = None,
        min_rating: Annotated[float | None, Query(ge=0, le=5, allow_inf_nan=False, description="stars")] = None,
        q: Annotated[Line | None, Query(description="words; -word leaves out, quotes hold together")] = None,
        open_on: Annotated[Day | None, Query(description="a day by the affiliate's clock")] = None,
        sort: Sort = Sort.DISTANCE,
    ) -> None:
        self.search = Search(
            place_asked(zip, latitude, longitude),
            radius_m, category, size_class, price_from, price_to, min_rating, q, open_on, sort,
        )  # fmt: skip


class FoundServiceView(View):
    id: int
    category: str
    name: str
    from_price_cents: int


class FoundView(View):
    """An affiliate that serves the place asked for, and the cheapest five of its services that fit.

    `from_price_cents` null: nothing on offer at present. `next_free_day` is by its clock, null if none is known.
    """

    id: int
    name: str
    slug: str
    city: str
    state: str
    distance_m: int
    service_radius_m: int
    rating: float | None
    review_count: int
    from_price_cents: int | None
    categories: list[str]
    next_free_day: date | None
    services: list[FoundServiceView]

    @classmethod
    def of(cls, row: Any, services: Sequence[Any], at: datetime) -> Self:
        today = at.astimezone(ZoneInfo(row.timezone)).date()
        hundredths = row.rating_hundredths
        shown = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls(
            **shown,
            rating=None if hundredths is None else hundredths / 100,
            next_free_day=min((day for day in row.free_days if day >= today), default=None),
            services=[FoundServiceView.model_validate(service) for service in services],
        )


class FacetsView(View):
    """How many of all that were found have what: counts by category, by vehicle size taken, by `rating at least` in
    stars, and by `price at most` in cents. The buckets of ratings and prices hold each other."""

    count: int
    categories: dict[str, int]
    size_classes: dict[SizeClass, int]
    min_rating: dict[str, int]
    price_to: dict[int, int]

    @classmethod
    def of(cls, rows: Sequence[Any]) -> Self:
        """The first row carries them; without a row there is nothing to count."""
        first = rows[0] if rows else None
        return cls(
            count=first.count if first else 0,
            categories=(first.category_counts if first else None) or {},
            size_classes=_by(SIZES, first and first.size_counts),
            min_rating=_by([f"{least / 100:.1f}" for least in RATING_BUCKETS], first and first.rating_counts),
            price_to=_by(PRICE_BUCKETS, first and first.price_counts),
        )


class SearchView(PageView[FoundView]):
    facets: FacetsView | None = Field(description="of all pages; on the first page only")


def _by(names: Sequence[Any], counts: Sequence[int] | None) -> Mapping[Any, int]:
    return dict(zip(names, counts or [0] * len(names), strict=True))


class PlaceView(View):
    """`timezone` is IANA."""

    zip: str
    city: str
    state: str
    timezone: str


class ServingView(View):
    id: int
    name: str
    slug: str
    city: str
    state: str
    distance_m: int


class PlaceServedView(View):
    """A place, whether it is served, by how many, and by whom: the nearest five."""

    place: PlaceView
    served: bool
    count: int
    nearest: list[ServingView]
