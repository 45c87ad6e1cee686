"""What services are sorted into: data, kept by administrators."""

from sqlalchemy import Identity
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped, Versioned
from shared.errors import Conflict, NotFound, Unprocessable

from . import Base

MAX_CATEGORIES = 100


class NoSuchCategory(NotFound):
    """There is no such category."""


class UnknownCategory(Unprocessable):
    """There is no such category; GET /catalog/v1/categories lists them."""


class CategoryClosed(Unprocessable):
    """This category takes no new services; GET /catalog/v1/categories lists those that do."""


class CategoryExists(Conflict):
    """There is a category of this slug already."""


class TooManyCategories(Conflict):
    """There are 100 categories already."""


class Category(Timestamped, Versioned, Base, kw_only=True):
    """Known by its slug for good: services and promotions name it. One that is not active takes no new services; those
    that it has go on."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(Identity(always=True), init=False, default=None)
    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    position: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)

    def change(self, name: str | None, active: bool | None) -> bool:
        """None stays as it is. Says whether anything changed."""
        wanted = (self.name if name is None else name, self.active if active is None else active)
        if wanted == (self.name, self.active):
            return False
        self.name, self.active = wanted
        self.version += 1
        return True

    def move(self, position: int) -> bool:
        if position == self.position:
            return False
        self.position = position
        self.version += 1
        return True

    def must_take_new(self) -> None:
        if not self.active:
            raise CategoryClosed
