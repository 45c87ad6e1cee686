"""What the API takes and gives of categories."""

from typing import Annotated

from pydantic import Field, StrictBool

from shared.http import Body, View

from ..domain.category import MAX_CATEGORIES
from .words import Category, Name

ShortName = Annotated[Name, Field(max_length=100)]


class CategoryRequest(Body):
    slug: Category
    name: ShortName


class CategoryChangeRequest(Body):
    """What is left out, or null, stays. One that is not active takes no new services; those that it has go on."""

    name: ShortName | None = None
    active: StrictBool | None = None


class CategoriesOrderRequest(Body):
    """All there are, each once, in their order."""

    slugs: list[Category] = Field(max_length=MAX_CATEGORIES)


class CategoryView(View):
    slug: str
    name: str


class CategoriesView(View):
    items: list[CategoryView]


class KeptCategoryView(CategoryView):
    """A category as administrators keep it."""

    id: int
    version: int
    position: int
    active: bool


class KeptCategoriesView(View):
    items: list[KeptCategoryView]
