"""What payments must know of a booking beside its payments; booking's."""

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped
from shared.errors import NotFound

from . import Base

GONE = ("cancelled", "expired", "declined")


class NoSuchBooking(NotFound):
    """There is no such booking, it is not yours, or we have not heard yet that it is completed."""


class Booking(Timestamped, Base, kw_only=True):
    """Kept from the first fact on that may be followed by another payment, or that forbids one."""

    __tablename__ = "bookings"

    booking_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    status: Mapped[str]
    price_cents: Mapped[int]
    currency: Mapped[str]
    payment_mode: Mapped[str] = mapped_column(default="full")

    @property
    def is_gone(self) -> bool:
        """Nothing is to be paid for it any more."""
        return self.status in GONE


def part_of(whole: int, cents: int, price_cents: int) -> int:
    """Of the commission or the tax in a price, what falls on a part of the price; what is under a cent is left out."""
    return min(whole * cents // price_cents, cents) if price_cents else 0
