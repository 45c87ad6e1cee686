"""Where things are: zip codes, their centroids and their time zones; distances on the globe."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import product
from typing import Any, Self
from zoneinfo import ZoneInfo

import zipcodes

from shared.errors import Conflict, Unprocessable

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG
METRES_PER_DEGREE = math.pi * EARTH_RADIUS_M / 180
NEARBY_M, NEAREST_M = 10_000, 100_000  # it is almost always the first, some 70 km in the emptiest parts of Nevada
CELLS_PER_DEGREE = 10


class UnknownZip(Unprocessable):
    """We do not know this zip code, or nobody can be visited there."""


class OutOfServiceArea(Conflict):
    """This affiliate does not come to this zip code."""


class ZipElsewhere(Unprocessable):
    """This zip code lies in another state."""


class NowhereNear(Unprocessable):
    """No zip code that we know lies within 100 km of these coordinates."""


@dataclass(frozen=True, slots=True)
class Place:
    """A zip code's centroid, in degrees (WGS 84), and the IANA zone of its clocks."""

    zip: str
    city: str
    state: str
    latitude: float
    longitude: float
    timezone: str

    def metres_to(self, latitude: float, longitude: float) -> float:
        """Along the great circle (haversine); degrees in, metres out."""
        here, there = math.radians(self.latitude), math.radians(latitude)
        rise, turn = (there - here) / 2, math.radians(longitude - self.longitude) / 2
        half_chord = math.sin(rise) ** 2 + math.cos(here) * math.cos(there) * math.sin(turn) ** 2
        return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, half_chord)))

    def distance_m(self, latitude: float, longitude: float) -> int:
        """The same in whole metres, as service areas and travel fees count them."""
        return round(self.metres_to(latitude, longitude))

    def called(self, city: str | None, state: str | None) -> Self:
        """The same place under the name that its people use; `ZipElsewhere` if they put it into another state."""
        if state not in (None, self.state):
            raise ZipElsewhere(state=self.state)
        return replace(self, city=city or self.city)


@dataclass(frozen=True, slots=True)
class Box:
    """A range of latitudes and longitudes, in degrees."""

    south: float
    north: float
    west: float
    east: float

    @classmethod
    def around(cls, place: Place, metres: float) -> Self:
        """Holds every point within `metres`. Across the date line or a pole it takes in all longitudes."""
        height = metres / METRES_PER_DEGREE
        south, north = place.latitude - height, place.latitude + height
        nearest_pole = math.cos(math.radians(min(max(abs(south), abs(north)), 89.9)))
        width = height / nearest_pole
        west, east = place.longitude - width, place.longitude + width
        if west < -180 or east > 180:
            west, east = -180.0, 180.0
        return cls(south, north, west, east)


def serves(place: Place, latitude: float, longitude: float, radius_m: int, zips: Collection[str]) -> bool:
    """Whether somebody based there comes to this place: to so many metres around, and to these zip codes wherever they
    lie. Radius 0: only to those."""
    return place.zip in zips or (radius_m > 0 and place.distance_m(latitude, longitude) <= radius_m)


def place_of(zip: str) -> Place:
    """The place of a zip code, `UnknownZip` if there is none."""
    place = _place(zip)
    if place is None:
        raise UnknownZip
    return place


def find_place(zip: str) -> Place | None:
    """The same, None if there is none."""
    return _place(zip)


def is_known(zip: str) -> bool:
    return _place(zip) is not None


def place_at(latitude: float, longitude: float) -> Place:
    """The zip code whose centroid is nearest to these degrees (WGS 84), of those that are delivered to at the door;
    `NowhereNear` if none lies within 100 km."""
    here = Place("", "", "", latitude, longitude, "")
    for reach in (NEARBY_M, NEAREST_M):
        metres, zip = min(_around(here, reach), default=(math.inf, ""))
        if metres <= reach:
            return place_of(zip)
    raise NowhereNear


def load_places(*, by_position: bool = False) -> None:
    """Read the table of zip codes now (half a second) rather than at the first request that needs it.

    `by_position`: also what `place_at` looks in, as long again.
    """
    _place("00501")
    if by_position:
        _grid()


def known_zips(zip: str | None = None) -> Sequence[Mapping[str, Any]]:
    """What is known of this zip code, or of all. Another country's data plugs in here, as rows of the same names."""
    return zipcodes.list_all() if zip is None else zipcodes.matching(zip)  # type: ignore[no-any-return, no-untyped-call]


@lru_cache(maxsize=100_000)  # every five digits there are
def _place(zip: str) -> Place | None:
    if len(zip) != 5 or not (zip.isascii() and zip.isdigit()):
        return None
    row = next(iter(known_zips(zip)), None)
    # Military post offices have neither coordinates nor a time zone.
    if row is None or not float(row["lat"]) or not _is_zone(row["timezone"]):
        return None
    return Place(zip, row["city"], row["state"], float(row["lat"]), float(row["long"]), row["timezone"])


@cache
def _grid() -> Mapping[tuple[int, int], Sequence[tuple[float, float, str]]]:
    """Centroids (latitude, longitude, zip code) by the cell of the globe that they lie in.

    Post office boxes and buildings with a zip code of their own are left out: nobody's home would be counted to them.
    """
    grid: dict[tuple[int, int], list[tuple[float, float, str]]] = defaultdict(list)
    for row in known_zips():
        latitude, longitude = float(row["lat"]), float(row["long"])
        if latitude and row["active"] and row["zip_code_type"] == "STANDARD" and row["timezone"]:
            grid[_cell(latitude), _cell(longitude)].append((latitude, longitude, row["zip_code"]))
    return dict(grid)


def _around(here: Place, metres: float) -> Iterator[tuple[float, str]]:
    """Distance and zip code of the centroids in the cells that lie so near."""
    box, grid = Box.around(here, metres), _grid()
    rows = range(_cell(box.south), _cell(box.north) + 1)
    columns = range(_cell(box.west), _cell(box.east) + 1)
    for cell in product(rows, columns):
        for latitude, longitude, zip in grid.get(cell, ()):
            yield here.metres_to(latitude, longitude), zip


def _cell(degrees: float) -> int:
    return math.floor(degrees * CELLS_PER_DEGREE)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
