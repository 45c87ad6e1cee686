"""Who comes to a place: `shared.places.serves`, in SQL."""

from sqlalchemy import ColumnElement, and_, or_


def comes_to(
    is_named: ColumnElement[bool], distance_m: ColumnElement[int], radius_m: ColumnElement[int]
) -> ColumnElement[bool]:
    """Whoever names the place's zip code, or lies near enough; radius 0: only the former."""
    return or_(is_named, and_(radius_m > 0, distance_m <= radius_m))
