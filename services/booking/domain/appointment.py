"""When and where a crew is to be, and from when until when it is kept for that."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from shared.places import find_place

from .availability import Crew
from .slots import Slot
from .tour import Stop


class Appointment(MappedAsDataclass, kw_only=True):
    """`blocked` is its time with the buffers that the crew had when it was taken."""

    crew_id: Mapped[int]
    appointment_start: Mapped[datetime]
    appointment_end: Mapped[datetime]
    blocked: Mapped[Any] = mapped_column(TSTZRANGE)
    timezone: Mapped[str]
    address: Mapped[str]
    zip: Mapped[str]

    @property
    def stop(self) -> Stop:
        """What is to be done, as a schedule asks for it."""
        length = self.appointment_end - self.appointment_start
        return Stop(int(length.total_seconds()) // 60, find_place(self.zip))

    @property
    def blocked_from(self) -> datetime:
        """From when, and until when its crew is kept, buffers included."""
        found: datetime = self.blocked.lower
        return found

    @property
    def blocked_until(self) -> datetime:
        found: datetime = self.blocked.upper
        return found

    def be_at(self, slot: Slot) -> None:
        self.crew_id, self.appointment_start, self.appointment_end = slot.crew.id, slot.starts_at, slot.ends_at
        self.blocked = blocked_by(slot)

    def block(self, crew: Crew) -> None:
        """Keep this crew, with the buffers that it needs now."""
        self.blocked = blocked_by(Slot(self.appointment_start, self.appointment_end, crew))

    def last_longer(self, longer: timedelta) -> None:
        self.appointment_end += longer
        self.blocked = Range(self.blocked_from, self.blocked_until + longer, bounds="[)")


def blocked_by(slot: Slot) -> Range[datetime]:
    minutes = int((slot.ends_at - slot.starts_at).total_seconds()) // 60
    return Range(*slot.crew.blocked(slot.starts_at, minutes), bounds="[)")
