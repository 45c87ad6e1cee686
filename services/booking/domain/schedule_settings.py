"""How an affiliate may be booked, beside when."""

from collections.abc import Mapping
from typing import Any, Self

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate
from shared.errors import Unprocessable
from shared.platform_config import PlatformConfig

from . import Base

INTERVAL_MINUTES = 30
SETTINGS_UNIQUE = "uq_schedule_settings_affiliate_id"


class BeyondThePlatform(Unprocessable):
    """The platform's lead time is `lead_minutes` and its horizon `horizon_days`: an affiliate's lead time can be longer
    and its horizon shorter, not the other way round."""


class ScheduleSettings(Aggregate, Base, kw_only=True):
    """An affiliate without a row has the defaults, as version 0. Lead time and horizon None: the platform's."""

    __tablename__ = "schedule_settings"

    affiliate_id: Mapped[int]
    slot_interval_minutes: Mapped[int] = mapped_column(default=INTERVAL_MINUTES)
    lead_minutes: Mapped[int | None] = mapped_column(default=None)
    horizon_days: Mapped[int | None] = mapped_column(default=None)
    request_to_book: Mapped[bool] = mapped_column(default=False)
    arrival_window_minutes: Mapped[int] = mapped_column(default=0)

    @classmethod
    def usual(cls, affiliate_id: int) -> Self:
        settings = cls(affiliate_id=affiliate_id)
        settings.version = 0
        return settings

    def change(self, terms: Mapping[str, Any], platform: PlatformConfig | None) -> None:
        """`terms`: all of them, as they are to be."""
        for name, value in terms.items():
            setattr(self, name, value)
        if platform:
            self._must_be_within(platform.lead_minutes, platform.horizon_days)
        self.version += 1

    def _must_be_within(self, lead: int, horizon: int) -> None:
        if self.lead_minutes not in (None, self.lead_within(lead)) or self.horizon_days not in (
            None, self.horizon_within(horizon)
        ):  # fmt: skip
            raise BeyondThePlatform(lead_minutes=lead, horizon_days=horizon)

    def lead_within(self, minutes: int) -> int:
        """The lead time, where the platform has this one."""
        return max(minutes, self.lead_minutes or 0)

    def horizon_within(self, days: int) -> int:
        return min(days, self.horizon_days or days)
