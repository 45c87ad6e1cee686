"""What a search asks for."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from shared.errors import BadRequest, Unprocessable
from shared.places import Place
from shared.vehicles import SizeClass

from .search import SIZES

RATING_BUCKETS = (450, 400, 300)  # hundredths of a star, and more
FILTERS = ("radius_m", "category", "price_from", "price_to", "min_rating", "q", "open_on")
PRICE_BUCKETS = (5_000, 10_000, 20_000, 50_000)  # cents, up to and including


class NoPlace(Unprocessable):
    """Say where: a zip code, or latitude and longitude."""


class BadPriceRange(Unprocessable):
    """price_from lies above price_to."""


class NothingToRank(Unprocessable):
    """Relevance is to the words of q: give some, or another order."""


class CursorOfAnotherSearch(BadRequest):
    """This cursor belongs to a search with another order or other filters. Start again without one."""


class Sort(StrEnum):
    DISTANCE = "distance"
    RATING = "rating"
    PRICE = "price"
    RELEVANCE = "relevance"


class Shape(NamedTuple):
    """What makes two searches the same statement: which filters they have, the size that prices are of, the order."""

    filters: frozenset[str]
    size: int | None
    sort: Sort


@dataclass(frozen=True, slots=True)
class Search:
    """Who comes to `place`, of those within `radius_m` metres of it. Prices are cents, of `size_class` if that is asked
    for, else of whatever size is cheapest; `min_rating` is in stars; `open_on` a day by the affiliate's clock."""

    place: Place
    radius_m: int | None = None
    category: str | None = None
    size_class: SizeClass | None = None
    price_from: int | None = None
    price_to: int | None = None
    min_rating: float | None = None
    q: str | None = None
    open_on: date | None = None
    sort: Sort = Sort.DISTANCE

    def __post_init__(self) -> None:
        if self.price_from is not None and self.price_to is not None and self.price_from > self.price_to:
            raise BadPriceRange
        if self.sort is Sort.RELEVANCE and self.q is None:
            raise NothingToRank

    @property
    def size(self) -> int | None:
        """Where prices of that size stand, counted from 0."""
        return None if self.size_class is None else SIZES.index(self.size_class)

    @property
    def shape(self) -> Shape:
        return Shape(frozenset(name for name in FILTERS if getattr(self, name) is not None), self.size, self.sort)

    @property
    def mark(self) -> str:
        """What its cursors carry, so that those of other searches are told apart."""
        return sha256(repr(self).encode()).hexdigest()[:16]
