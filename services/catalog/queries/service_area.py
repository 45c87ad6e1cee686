"""Who comes to a place: `shared.places.serves`, in SQL."""

from sqlalchemy import ColumnElement, and_, any_, func, or_, select

from ..domain.affiliate import Affiliate
from ..domain.service_area import ServiceAreaZip


def comes_to(
    is_named: ColumnElement[bool], distance_m: ColumnElement[int], radius_m: ColumnElement[int]
) -> ColumnElement[bool]:
    """Whoever names the place's zip code, or lies near enough; radius 0: only the former."""
    return or_(is_named, and_(radius_m > 0, distance_m <= radius_m))


def names(zip: str) -> ColumnElement[bool]:
    """Affiliates that name this zip code; as an array, which the index on ids serves beside one on positions."""
    named = select(ServiceAreaZip.affiliate_id).where(ServiceAreaZip.zip == zip)
    return Affiliate.id == any_(func.array(named.scalar_subquery()))
