"""Who comes to a place: one statement, whatever it finds."""

import math
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, Subquery, and_, cast, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http import MAX_ID, BadCursor, Page, Paged
from shared.places import EARTH_RADIUS_M, Box, Place

from ..domain.affiliate import Affiliate, ApplicationStatus
from ..domain.service import Service
from ..domain.service_area import MAX_RADIUS_M
from ..domain.tier import ServiceTier
from .service_area import comes_to, names


async def affiliates_reaching(session: AsyncSession, place: Place, category: str | None, page: Page) -> Paged[Row[Any]]:
    """Approved affiliates that serve this place (and offer this category), nearest first, with their lowest price."""
    near = _near(place)
    found = select(near).where(comes_to(near.c.is_named, near.c.distance_m, near.c.service_radius_m))
    if category is not None:
        found = found.where(_offers(near, category).exists())
    if after := _after(page):
        found = found.where(tuple_(near.c.distance_m, near.c.id) > after)
    found = found.order_by(near.c.distance_m, near.c.id).limit(page.limit + 1)
    rows = (await session.execute(_priced(found.subquery("found"), category))).all()
    return page.cut(rows, lambda row: (row.distance_m, row.id))


def _near(place: Place) -> Subquery:
    """Approved affiliates around the place, and those that name it, with their distance; indexes leave out the rest."""
    box = Box.around(place, MAX_RADIUS_M)
    return (
        select(
            Affiliate.id,
            Affiliate.name,
            Affiliate.slug,
            Affiliate.city,
            Affiliate.state,
            Affiliate.service_radius_m,
            Affiliate.rating,
            Affiliate.review_count,
            _distance_m(place).label("distance_m"),
            names(place.zip).label("is_named"),
        )
        .where(
            Affiliate.application_status == ApplicationStatus.APPROVED,
            Affiliate.deleted_at.is_(None),
            or_(
                and_(Affiliate.latitude.between(box.south, box.north), Affiliate.longitude.between(box.west, box.east)),
                names(place.zip),
            ),
        )
        .subquery("near")
    )


def _distance_m(place: Place) -> ColumnElement[int]:
    """Along the great circle (haversine), in whole metres, so that a cursor can name it exactly."""
    latitude, longitude = math.radians(place.latitude), math.radians(place.longitude)
    rise = func.power(func.sin((func.radians(Affiliate.latitude) - latitude) / 2), 2)
    turn = func.power(func.sin((func.radians(Affiliate.longitude) - longitude) / 2), 2)
    half_chord = rise + math.cos(latitude) * func.cos(func.radians(Affiliate.latitude)) * turn
    angle = 2 * func.asin(func.sqrt(func.least(1.0, half_chord)))
    return cast(func.round(EARTH_RADIUS_M * angle), BigInteger)


def _offers(affiliates: Subquery, category: str | None) -> Select[Any]:
    """Prices that these affiliates ask (in this category) at present."""
    offers = (
        select(ServiceTier.price_cents)
        .join(Service, Service.id == ServiceTier.service_id)
        .where(Service.affiliate_id == affiliates.c.id, Service.active, Service.deleted_at.is_(None))
        .where(ServiceTier.active, ServiceTier.deleted_at.is_(None))
        .correlate(affiliates)
    )
    return offers if category is None else offers.where(Service.category == category)


def _priced(found: Subquery, category: str | None) -> Select[Any]:
    lowest = _offers(found, category).with_only_columns(func.min(ServiceTier.price_cents))
    priced = select(found, lowest.scalar_subquery().label("from_price_cents"))
    return priced.order_by(found.c.distance_m, found.c.id)


def _after(page: Page) -> tuple[int, int] | None:
    after = page.after()
    if after is None:
        return None
    distance_m, affiliate_id = after
    if type(distance_m) is not int or not 0 <= distance_m <= MAX_ID:
        raise BadCursor
    return distance_m, affiliate_id
