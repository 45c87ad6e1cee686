"""Where an affiliate comes to: so far around its base, and to zip codes that it names."""

from collections.abc import Collection

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed
from shared.errors import Unprocessable

from . import Base

MIN_RADIUS_M, MAX_RADIUS_M = 1_000, 200_000
MAX_ZIPS = 500


class NoServiceArea(Unprocessable):
    """Say where you come to: a radius, zip codes, or both."""


class ServiceAreaZip(Keyed, Base, kw_only=True):
    """A zip code that an affiliate comes to, however far it is."""

    __tablename__ = "service_area_zips"

    affiliate_id: Mapped[int] = mapped_column(ForeignKey("affiliates.id"), init=False)
    zip: Mapped[str]


def must_lead_somewhere(radius_m: int, zips: Collection[str]) -> None:
    if not radius_m and not zips:
        raise NoServiceArea
