"""What is known of an appointment when something is to be said about it; booking's."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped

from . import Base

REMINDED_BEFORE = timedelta(hours=24)


class Booking(Timestamped, Base, kw_only=True):
    """`reminded_at` is ours: when the reminder was made. There is one of each time that it is moved to."""

    __tablename__ = "bookings"

    booking_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    status: Mapped[str]
    service_name: Mapped[str]
    appointment_start: Mapped[datetime]
    appointment_end: Mapped[datetime]
    timezone: Mapped[str]
    arrival_window_minutes: Mapped[int] = mapped_column(default=0)
    hold_expires_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None] = mapped_column(default=None)


def reminded_when_moved(start: datetime, at: datetime) -> datetime | None:
    """Not yet; but moved on short notice it needs no reminder: the news of that is as fresh."""
    return at if start - REMINDED_BEFORE <= at else None
