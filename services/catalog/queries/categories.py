"""What services are sorted into."""

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.category import Category, NoSuchCategory, UnknownCategory

LOCK = text("select pg_advisory_xact_lock(hashtextextended('categories', 0))")


async def lock_categories(session: AsyncSession) -> None:
    """Whoever adds one or orders all goes first, the others wait: locked rows would not show them what is new."""
    await session.execute(LOCK)


async def lock_category(session: AsyncSession, category_id: int) -> Category:
    category = await session.scalar(select(Category).where(Category.id == category_id).with_for_update())
    if category is None:
        raise NoSuchCategory
    return category


async def category_named(session: AsyncSession, slug: str) -> Category:
    """One that a request names for a service."""
    category = await session.get(Category, slug)
    if category is None:
        raise UnknownCategory
    return category


async def categories(session: AsyncSession, *, all: bool = False, lock: bool = False) -> Sequence[Category]:
    """In their order; `all`: also those that take no new services."""
    found = select(Category).order_by(Category.position, Category.slug)
    found = found if all else found.where(Category.active)
    return (await session.scalars(found.with_for_update() if lock else found)).all()
