"""The platform's configuration: one row, versioned, with a history."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Aggregate, Keyed
from shared.errors import Unprocessable

from . import Base

THE_ONE = 1

# Money is counted in hundredths everywhere, so only currencies that have them.
CURRENCIES = ("AUD", "CAD", "CHF", "EUR", "GBP", "MXN", "NZD", "USD")


class NothingBookable(Unprocessable):
    """`lead_minutes` reaches beyond `horizon_days`: nothing could be booked."""


class MdhConfig(Aggregate, Base, kw_only=True):
    """Commission and fee in basis points of the price; seeded by the migration, never inserted."""

    __tablename__ = "mdh_config"

    currency: Mapped[str]
    commission_bp: Mapped[int]
    hold_minutes: Mapped[int]
    lead_minutes: Mapped[int]
    horizon_days: Mapped[int]
    free_cancellation_hours: Mapped[int]
    late_cancellation_fee_bp: Mapped[int]

    def change(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Take over what differs, and say what it was and is: `{"hold_minutes": [10, 15]}`."""
        changes = {n: [getattr(self, n), value] for n, value in wanted.items() if getattr(self, n) != value}
        for name, (_, value) in changes.items():
            setattr(self, name, value)
        if self.lead_minutes >= self.horizon_days * 1440:
            raise NothingBookable
        if changes:
            self.version += 1
        return changes


class ConfigChange(Keyed, Base, kw_only=True):
    """Who changed what and when; `version` is the one that came of it.

    `changed_by` is a user, `operator` whoever had a shell, by the name they gave; neither: the installation.
    """

    __tablename__ = "mdh_config_history"

    version: Mapped[int]
    changed_by: Mapped[int | None]
    operator: Mapped[str | None]
    changes: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)
