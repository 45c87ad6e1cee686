"""What happens to what services are sorted into."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.catalog import CategoryChanged
from shared.outbox import record

from ..domain.category import MAX_CATEGORIES, Category, CategoryExists, TooManyCategories
from ..domain.order import must_name_each_once
from ..queries.categories import categories, lock_categories, lock_category
from ..schemas.categories import CategoryChangeRequest, CategoryRequest


async def create_category(session: AsyncSession, wanted: CategoryRequest) -> Category:
    """The last in the order."""
    await lock_categories(session)
    there = await categories(session, all=True)
    if wanted.slug in {category.slug for category in there}:
        raise CategoryExists
    if len(there) >= MAX_CATEGORIES:
        raise TooManyCategories
    position = max((category.position for category in there), default=0) + 1
    category = Category(slug=wanted.slug, name=wanted.name, position=position)
    session.add(category)
    await session.flush()
    record(session, CategoryChanged.of(category))
    return category


async def change_category(
    session: AsyncSession, category_id: int, version: int | None, wanted: CategoryChangeRequest
) -> Category:
    category = await lock_category(session, category_id)
    category.expect(version)
    if category.change(wanted.name, wanted.active):
        record(session, CategoryChanged.of(category))
    return category


async def order_categories(session: AsyncSession, slugs: Sequence[str]) -> Sequence[Category]:
    await lock_categories(session)
    known = {category.slug: category for category in await categories(session, all=True, lock=True)}
    must_name_each_once(slugs, known)
    ordered = [known[slug] for slug in slugs]
    for position, category in enumerate(ordered, start=1):
        if category.move(position):
            record(session, CategoryChanged.of(category))
    return ordered
