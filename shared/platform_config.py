"""The platform's configuration as every service keeps it: a copy of catalog's, by event (`consumers.copy_config`).

A service that was told nothing yet has none, and everything is on.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from shared.contracts.catalog import ConfigChanged
from shared.db import Timestamped, kept
from shared.errors import Forbidden
from shared.outbox import PlatformBase
from shared.terms import CancellationPolicy, CommissionRate, Deposit

THE_ONE = 1


class Feature(StrEnum):
    """What the platform can do without for a while. What was begun before goes on."""

    APPLICATIONS = "applications"  # affiliates apply
    BOOKINGS = "bookings"  # slots are taken
    QUOTES = "quotes"  # affiliates are asked for their price
    REVIEWS = "reviews"  # reviews are written
    REGISTRATION = "registration"  # people open accounts


class SwitchedOff(Forbidden):
    """The platform does not offer this at present."""


class PlatformConfig(Timestamped, PlatformBase, kw_only=True):
    """Commission and fee in basis points, hold and lead in minutes."""

    __tablename__ = "platform_config"

    config_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    currency: Mapped[str]
    commission_bp: Mapped[int]
    hold_minutes: Mapped[int]
    lead_minutes: Mapped[int]
    horizon_days: Mapped[int]
    free_cancellation_hours: Mapped[int]
    late_cancellation_fee_bp: Mapped[int]
    commission_rates: Mapped[list[CommissionRate]] = mapped_column(kept(list[CommissionRate]), default_factory=list)
    cancellation_policies: Mapped[list[CancellationPolicy]] = mapped_column(
        kept(list[CancellationPolicy]), default_factory=list
    )
    deposit: Mapped[Deposit | None] = mapped_column(kept(Deposit), default=None)
    tips_allowed: Mapped[bool] = mapped_column(default=True)
    max_open_holds: Mapped[int] = mapped_column(default=3)
    payment_modes: Mapped[list[str]] = mapped_column(kept(list[str]), default_factory=lambda: ["full"])
    features: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)

    @property
    def usual_policy(self) -> CancellationPolicy:
        return CancellationPolicy(
            name="usual",
            free_cancellation_hours=self.free_cancellation_hours,
            late_cancellation_fee_bp=self.late_cancellation_fee_bp,
        )

    def must_be_on(self, feature: Feature) -> None:
        """`SwitchedOff` unless it is on; a feature that catalog has not told of is."""
        if not self.features.get(feature, True):
            raise SwitchedOff(feature=feature)


COPIED = tuple(column.key for column in PlatformConfig.__table__.c if column.key not in ("created_at", "updated_at"))


def copied(event: ConfigChanged) -> dict[str, Any]:
    """Named, because the event may grow by fields that this version has no column for."""
    return {name: getattr(event, name) for name in COPIED}


async def must_be_on(session: AsyncSession, feature: Feature) -> None:
    """One statement; where another reads anyway, join `PlatformConfig` to it instead."""
    if config := await session.get(PlatformConfig, THE_ONE):
        config.must_be_on(feature)
