"""What the API takes and gives of where an affiliate comes to. Distances are metres."""

from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from shared.http import Body, View

from ..domain.service_area import MAX_RADIUS_M, MAX_ZIPS, MIN_RADIUS_M
from .words import Zip


def _worth_a_drive(metres: int) -> int:
    if 0 < metres < MIN_RADIUS_M:
        raise ValueError(f"is neither 0 nor at least {MIN_RADIUS_M}")
    return metres


Radius = Annotated[StrictInt, Field(ge=MIN_RADIUS_M, le=MAX_RADIUS_M, description="metres")]
RadiusOrNone = Annotated[
    StrictInt,
    Field(ge=0, le=MAX_RADIUS_M, description="metres; 0: only to the zip codes named"),
    AfterValidator(_worth_a_drive),
]
Zips = Annotated[list[Zip], Field(max_length=MAX_ZIPS)]


class ServiceAreaRequest(Body):
    """The whole area as it is to be: a radius around its base, zip codes wherever they lie, or both."""

    service_radius_m: RadiusOrNone
    service_zips: Zips


class ServiceAreaView(View):
    """Where an affiliate comes to, from where, and in which time zone that is."""

    affiliate_id: int = Field(validation_alias="id")
    version: int
    latitude: float
    longitude: float
    timezone: str
    service_radius_m: int
    service_zips: list[str]
