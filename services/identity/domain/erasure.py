"""Forgetting somebody for good: when it may begin, and when it is done."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, Keyed, Timestamped, words
from shared.errors import Conflict, NotFound

from . import Base
from .account import Account

ASKED_AGAIN = timedelta(hours=1)  # while booking says that a booking is live
MAILED_WITHIN = timedelta(seconds=60)  # counted from when the broker has it
REMINDED = timedelta(days=1)  # who has not answered for so long is asked once more


class BookingLive(Conflict):
    """A booking of yours is still ahead or waits for its payment: cancel it, or wait until it is over."""


class StillOwner(Conflict):
    """You are the last owner of an affiliate: hand it over to somebody else first."""


class NoSuchErasure(NotFound):
    """There is no such erasure."""


class ErasureStatus(StrEnum):
    WAITING = "waiting"
    ERASING = "erasing"
    DONE = "done"


class Erasure(Aggregate, Base, kw_only=True):
    """One person's erasure. `secret_hash` lets them see how it stands when they have no account any more."""

    __tablename__ = "erasures"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    customer_id: Mapped[int | None]
    secret_hash: Mapped[bytes] = mapped_column(repr=False)
    status: Mapped[ErasureStatus] = mapped_column(words(ErasureStatus), default=ErasureStatus.WAITING)
    due_at: Mapped[datetime]
    asked_at: Mapped[datetime | None] = mapped_column(default=None)
    done_at: Mapped[datetime | None] = mapped_column(default=None)
    booking_live_until: Mapped[datetime | None] = mapped_column(default=None)

    @classmethod
    def of(cls, account: Account, secret_hash: bytes, due_at: datetime) -> Self:
        return cls(user_id=account.user.id, customer_id=account.customer_id, secret_hash=secret_hash, due_at=due_at)

    def leave_time_to_mail(self, at: datetime) -> None:
        """That it was accepted is known outside now: the mail with the secret needs the address for a moment more."""
        if self.asked_at is None:
            self.due_at = max(self.due_at, at + min(MAILED_WITHIN, self.due_at - self.created_at))
            self.version += 1

    def ask(self, at: datetime) -> None:
        """Have every service erase what it holds; whoever does not answer is asked again after `REMINDED`."""
        self.status, self.asked_at, self.due_at = ErasureStatus.ERASING, at, at + REMINDED
        self.booking_live_until = None
        self.version += 1

    def put_off(self, until: datetime, at: datetime) -> None:
        """Booking knows of a live one: what is asked for the second time is asked sooner, if that one is cancelled."""
        if self.status is not ErasureStatus.DONE:
            self.status, self.booking_live_until = ErasureStatus.WAITING, until
            self.due_at = min(until, at + ASKED_AGAIN)
            self.version += 1

    def finish(self, at: datetime) -> None:
        self.status, self.done_at, self.booking_live_until = ErasureStatus.DONE, at, None
        self.version += 1


class ErasureReceipt(Keyed, Timestamped, Base, kw_only=True):
    """One service's word that it has erased the person: so many rows of each table."""

    __tablename__ = "erasure_receipts"

    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"))
    service: Mapped[str]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)


class LiveBooking(Timestamped, Base, kw_only=True):
    """Booking's appointment, as far as it keeps its customer from being erased: a local copy, kept by its events."""

    __tablename__ = "live_bookings"

    booking_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[int]
    status: Mapped[str]
    appointment_end: Mapped[datetime]
