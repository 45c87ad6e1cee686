"""Where a customer wants somebody to come to."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate
from shared.errors import Conflict, NotFound
from shared.places import Place

from . import Base

MOST_ADDRESSES = 20


class NoSuchAddress(NotFound):
    """There is no such address, or it is not yours."""


class TooManyAddresses(Conflict):
    """You can save 20 addresses. Delete one that you no longer need."""


class Address(Aggregate, Base, kw_only=True):
    """City, state and coordinates are those of the zip code; `access_notes` tell how to get in."""

    __tablename__ = "customer_addresses"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    label: Mapped[str]
    line1: Mapped[str]
    line2: Mapped[str | None]
    city: Mapped[str]
    state: Mapped[str]
    zip: Mapped[str]
    latitude: Mapped[float]
    longitude: Mapped[float]
    access_notes: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(default=False)

    def move(self, place: Place) -> None:
        self.zip, self.city, self.state = place.zip, place.city, place.state
        self.latitude, self.longitude = place.latitude, place.longitude

    def prefer(self, preferred: bool) -> bool:
        """Says whether that is news."""
        if self.is_default is preferred:
            return False
        self.is_default = preferred
        self.version += 1
        return True


def must_have_room(addresses: Sequence[Address]) -> None:
    if len(addresses) >= MOST_ADDRESSES:
        raise TooManyAddresses


def of_id(addresses: Sequence[Address], id: int) -> Address:
    for address in addresses:
        if address.id == id:
            return address
    raise NoSuchAddress
