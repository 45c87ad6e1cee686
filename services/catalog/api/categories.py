"""What services are sorted into, and keeping it."""

from collections.abc import Sequence

from fastapi import Request, Response

from shared.auth import CurrentAdmin, CurrentStaff
from shared.db import ReadSession, Session
from shared.http import IfMatch, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import categories as commands
from ..domain.category import Category
from ..queries.categories import categories
from ..schemas.categories import (
    CategoriesOrderRequest,
    CategoriesView,
    CategoryChangeRequest,
    CategoryRequest,
    CategoryView,
    KeptCategoriesView,
    KeptCategoryView,
)
from .caching import public

router = new_router("catalog", "categories", "/categories")


@router.get("", response_model=CategoriesView)
async def list_categories(request: Request, session: ReadSession) -> Response:
    """What new services may be sorted into."""
    found = [CategoryView.model_validate(category) for category in await categories(session)]
    return public(request, CategoriesView(items=found))


@router.get("/all", response_model=KeptCategoriesView)
async def all_categories(_staff: CurrentStaff, session: ReadSession) -> KeptCategoriesView:
    """Also those that take no new services, as staff keep them."""
    return _view(await categories(session, all=True))


@router.post("", response_model=KeptCategoryView, status_code=201, dependencies=[Idempotent])
async def create_category(
    wanted: CategoryRequest, _admin: CurrentAdmin, session: Session, response: Response
) -> Category:
    """The last in the order. Its slug stays for good."""
    category = await commands.create_category(session, wanted)
    tag(response, category.version)
    return category


@router.put("/order", response_model=KeptCategoriesView)
async def order_categories(
    wanted: CategoriesOrderRequest, _admin: CurrentAdmin, session: Session
) -> KeptCategoriesView:
    """All there are, each once."""
    return _view(await commands.order_categories(session, wanted.slugs))


@router.patch("/{category_id}", response_model=KeptCategoryView)
async def change_category(
    category_id: PathId,
    wanted: CategoryChangeRequest,
    _admin: CurrentAdmin,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Category:
    """Rename it, or say whether it takes new services. Those that it has go on."""
    category = await commands.change_category(session, category_id, version, wanted)
    tag(response, category.version)
    return category


def _view(found: Sequence[Category]) -> KeptCategoriesView:
    return KeptCategoriesView(items=[KeptCategoryView.model_validate(category) for category in found])
