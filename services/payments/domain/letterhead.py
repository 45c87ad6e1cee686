"""In whose name papers are issued, and on which day."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared.papers import PaperParty


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The platform's. `zone` is where its days and years begin."""

    platform: PaperParty
    zone: ZoneInfo

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()
