"""Price lists with their add-ons."""

from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from shared import pricing

from ..domain.price_list import AddOn, AddOnCategory, ConditionMultiplier, PriceList, SizeMultiplier, TravelBand

Column = Any  # an attribute of a mapped class, or an expression


async def price_list_to_change(session: AsyncSession, affiliate_id: int) -> PriceList:
    """Whoever changes it has locked the affiliate first."""
    found = await session.scalar(select(PriceList).where(PriceList.affiliate_id == affiliate_id))
    return found or PriceList.new(affiliate_id)


async def price_list_of(session: AsyncSession, affiliate_id: int) -> tuple[int, dict[str, Any]]:
    """Its version and its rules, in one statement. Version 0: it has none, and the rules are those by default."""
    row = (
        await session.execute(select(PriceList.version, RULES).where(PriceList.affiliate_id == affiliate_id))
    ).first()
    return (row[0], row[1]) if row else (0, pricing.PriceList().model_dump())


def list_of(wanted: Column, mine: ColumnElement[bool], *order: Column) -> ColumnElement[Any]:
    """A JSON list of what is wanted of those rows."""
    rows = select(func.jsonb_agg(aggregate_order_by(wanted, *order))).where(mine)
    return func.coalesce(rows.scalar_subquery(), literal([], JSONB))


def object_of(*columns: Column, **more: Column) -> ColumnElement[Any]:
    fields = {column.key: column for column in columns} | more
    return func.jsonb_build_object(*(part for name, value in fields.items() for part in (literal(name), value)))


# As shared.pricing.PriceList reads it, built once; add-ons that were removed are left out.
RULES = object_of(
    PriceList.minimum_cents,
    PriceList.tax_ppm,
    sizes=list_of(
        object_of(SizeMultiplier.size_class, SizeMultiplier.multiplier_bp),
        SizeMultiplier.price_list_id == PriceList.id,
        SizeMultiplier.size_class,
    ),
    conditions=list_of(
        object_of(ConditionMultiplier.condition, ConditionMultiplier.multiplier_bp),
        ConditionMultiplier.price_list_id == PriceList.id,
        ConditionMultiplier.condition,
    ),
    travel_bands=list_of(
        object_of(TravelBand.up_to_m, TravelBand.fee_cents),
        TravelBand.price_list_id == PriceList.id,
        TravelBand.up_to_m,
    ),
    add_ons=list_of(
        object_of(
            AddOn.name,
            AddOn.price_cents,
            AddOn.duration_minutes,
            AddOn.active,
            AddOn.position,
            add_on_id=AddOn.id,
            categories=list_of(AddOnCategory.category, AddOnCategory.add_on_id == AddOn.id, AddOnCategory.category),
        ),
        (AddOn.price_list_id == PriceList.id) & AddOn.deleted_at.is_(None),
        AddOn.position,
        AddOn.id,
    ),
)
