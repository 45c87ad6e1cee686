"""When an affiliate works: weekly windows in local wall time, and the crews that can be sent out."""

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped
from shared.errors import Unprocessable

from . import Base

WINDOWS_NO_OVERLAP = "availability_no_overlap"
WINDOW_MAKES_SENSE = "ck_availability_window"


class WindowsOverlap(Unprocessable):
    """Two windows of one day overlap, or one closes before it opens."""


class Crew(Keyed, Timestamped, Base, kw_only=True):
    """One van: it does one job at a time, and needs `buffer_minutes` after each."""

    __tablename__ = "crews"

    affiliate_id: Mapped[int]
    name: Mapped[str]
    buffer_minutes: Mapped[int] = mapped_column(default=30)
    active: Mapped[bool] = mapped_column(default=True)

    def blocked(self, start: datetime, minutes: int) -> tuple[datetime, datetime]:
        """The half-open range that a job takes from this crew, its buffer included."""
        return start, start + timedelta(minutes=minutes + self.buffer_minutes)


class Availability(Keyed, Timestamped, Base, kw_only=True):
    """One weekly window; `weekday` 0 is Monday, minutes count from local midnight, 1440 is the next one."""

    __tablename__ = "availability"

    affiliate_id: Mapped[int]
    weekday: Mapped[int]
    opens_minute: Mapped[int]
    closes_minute: Mapped[int]

    def applies_on(self, day: date) -> bool:
        return day.weekday() == self.weekday
