"""What a customer wants cleaned."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, words
from shared.errors import Conflict, NotFound, Unprocessable
from shared.vehicles import SizeClass

from . import Base

MOST_VEHICLES = 20
FIRST_YEAR = 1900


class NoSuchVehicle(NotFound):
    """There is no such vehicle, or it is not yours."""


class TooManyVehicles(Conflict):
    """You can save 20 vehicles. Delete one that you no longer have."""


class NoSuchYear(Unprocessable):
    """Vehicles are built from 1900 on; next year's models are the newest that there are."""


class Vehicle(Aggregate, Base, kw_only=True):
    """One that was deleted is kept with its `deleted_at`: it may have been cleaned."""

    __tablename__ = "vehicles"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    year: Mapped[int]
    make: Mapped[str]
    model: Mapped[str]
    color: Mapped[str | None]
    size_class: Mapped[SizeClass] = mapped_column(words(SizeClass))
    license_plate: Mapped[str | None]
    condition_notes: Mapped[str | None]
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)

    def delete(self, at: datetime) -> None:
        self.deleted_at = at
        self.version += 1


def must_be_built(year: int, at: datetime) -> None:
    if not FIRST_YEAR <= year <= at.year + 1:
        raise NoSuchYear(newest=at.year + 1)


def must_have_room(vehicles: int) -> None:
    if vehicles >= MOST_VEHICLES:
        raise TooManyVehicles
