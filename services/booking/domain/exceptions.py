"""When an affiliate, or one of its crews, works otherwise than in other weeks."""

from datetime import date
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped, words
from shared.errors import Conflict, NotFound

from . import Base

EXCEPTIONS_NO_OVERLAP = "availability_exceptions_no_overlap"
MOST_EXCEPTIONS = 500
MOST_DAYS = 366


class ExceptionKind(StrEnum):
    CLOSED = "closed"
    EXTRA_HOURS = "extra_hours"
    VACATION = "vacation"


class NoSuchException(NotFound):
    """There is no such exception, or it is not yours to see."""


class ExceptionsOverlap(Conflict):
    """There is an exception of this kind for some of this time already."""


class TooManyExceptions(Conflict):
    """An affiliate has `most` exceptions ahead at most. Delete some first."""


class AvailabilityException(Keyed, Timestamped, Base, kw_only=True):
    """On each of these local days, both included, from minute to minute; of all crews if none is named.

    Closed, or on vacation, nobody works then, whatever else is said; extra hours are windows of these days.
    """

    __tablename__ = "availability_exceptions"

    affiliate_id: Mapped[int]
    crew_id: Mapped[int | None]
    kind: Mapped[ExceptionKind] = mapped_column(words(ExceptionKind))
    first_day: Mapped[date]
    last_day: Mapped[date]
    from_minute: Mapped[int]
    to_minute: Mapped[int]
    note: Mapped[str] = mapped_column(default="")
