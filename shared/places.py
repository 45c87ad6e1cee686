"""Where things are: zip codes, their centroids and their time zones; distances on the globe."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

import zipcodes

from shared.errors import Unprocessable

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG
METRES_PER_DEGREE = math.pi * EARTH_RADIUS_M / 180


class UnknownZip(Unprocessable):
    """We do not know this zip code, or nobody can be visited there."""


class ZipElsewhere(Unprocessable):
    """This zip code lies in another state."""


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


def place_of(zip: str) -> Place:
    """The place of a zip code, `UnknownZip` if there is none. Another country's data would be asked here."""
    place = _us_place(zip)
    if place is None:
        raise UnknownZip
    return place


def load_places() -> None:
    """Read the table of zip codes now (half a second) rather than at the first request that needs it."""
    _us_place("00501")


@lru_cache(maxsize=100_000)  # every five digits there are
def _us_place(zip: str) -> Place | None:
    if len(zip) != 5 or not (zip.isascii() and zip.isdigit()):
        return None
    row = next(iter(zipcodes.matching(zip)), None)  # type: ignore[no-untyped-call]
    # Military post offices have neither coordinates nor a time zone.
    if row is None or not float(row["lat"]) or not _is_zone(row["timezone"]):
        return None
    return Place(zip, row["city"], row["state"], float(row["lat"]), float(row["long"]), row["timezone"])


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
