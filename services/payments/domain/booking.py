"""What payments must know of a booking beside its payments; booking's."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from shared.contracts.booking import BookingEvent
from shared.db import Timestamped
from shared.errors import NotFound

from . import Base

GONE = ("cancelled", "expired", "declined", "no_show")
FINAL = ("completed", "cancelled", "no_show")  # what its affiliate has of it by then is earned


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
    final_at: Mapped[datetime | None] = mapped_column(default=None)
    appointment_start: Mapped[datetime | None] = mapped_column(default=None)
    appointment_end: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def is_gone(self) -> bool:
        """Nothing is to be paid for it any more."""
        return self.status in GONE

    def costs_less_since(self, event: BookingEvent) -> bool:
        """Whether an older fact asks for what is not wanted any more: what was missing when it got cheaper was asked
        for anew then."""
        return event.version < self.version and event.price_cents > self.price_cents

    def note_end(self, at: datetime) -> None:
        """Once: from then on its affiliate waits for its money."""
        if self.final_at is None and self.status in FINAL:
            self.final_at = at


def part_of(whole: int, cents: int, price_cents: int) -> int:
    """Of the commission or the tax in a price, what falls on a part of the price; what is under a cent is left out."""
    return min(whole * cents // price_cents, cents) if price_cents else 0


def parts_of(booking: BookingEvent) -> dict[str, int]:
    """What is to be paid before it is confirmed, and what is left for when it is done, to the cent."""
    price, commission, tax = booking.price_cents, booking.commission_cents, booking.tax_cents
    deposit = booking.deposit_cents
    if deposit is None:
        return {"amount_cents": price, "commission_cents": commission, "tax_cents": tax}
    now = {"commission_cents": part_of(commission, deposit, price), "tax_cents": part_of(tax, deposit, price)}
    left = {"commission_cents": commission - now["commission_cents"], "tax_cents": tax - now["tax_cents"]}
    later = {f"rest_{name}": cents for name, cents in left.items()}
    return {"amount_cents": deposit, "rest_cents": price - deposit, **now, **later}
