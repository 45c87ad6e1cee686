"""The days on which an affiliate can still be booked: a coarse signal that others search by, told when it changes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ARRAY, Date
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped

from . import Base
from .offer import Offer
from .slots import Schedule
from .tour import Stop


@dataclass(frozen=True, slots=True)
class Calendar:
    """An affiliate's schedule and the shortest of what it offers: when that cannot be booked, nothing can."""

    offer: Offer
    schedule: Schedule

    @property
    def today(self) -> date:
        """The affiliate's."""
        return self.offer.at.astimezone(self.schedule.zone).date()

    def free_days(self) -> list[date]:
        """The local days with a slot, as far as the horizon."""
        stop = Stop(self.offer.tier.duration_minutes, anywhere=True)
        earliest, latest = self.offer.earliest, self.offer.latest
        first, last = (moment.astimezone(self.schedule.zone).date() for moment in (earliest, latest))
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if self.schedule.has_slot(day, stop, earliest, latest)]


class FreeDays(Keyed, Timestamped, Base, kw_only=True):
    """What was told last of an affiliate; version 0: nothing yet. It is looked at anew once `due_at` is past."""

    __tablename__ = "free_days"

    affiliate_id: Mapped[int]
    due_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)
    days: Mapped[list[date]] = mapped_column(ARRAY(Date), default_factory=list)

    def become(self, calendar: Calendar | None) -> bool:
        """What is true now; none: it cannot be booked at all. Says whether it is news, which a day's passing is not."""
        days = calendar.free_days() if calendar else []
        if days == [day for day in self.days if calendar is None or day >= calendar.today]:
            return False
        self.days, self.version = days, self.version + 1
        return True
