"""The platform's configuration: one row, versioned, with a history."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Aggregate, Keyed, kept
from shared.errors import Unprocessable
from shared.platform_config import Feature
from shared.terms import CancellationPolicy, CommissionRate, Deposit

from . import Base

THE_ONE = 1

# Money is counted in hundredths everywhere, so only currencies that have them.
CURRENCIES = ("AUD", "CAD", "CHF", "EUR", "GBP", "MXN", "NZD", "USD")


class NothingBookable(Unprocessable):
    """`lead_minutes` reaches beyond `horizon_days`: nothing could be booked."""


class UnknownPolicy(Unprocessable):
    """The platform has no cancellation policy of that name; GET /catalog/v1/config lists them."""


class UnknownPaymentMode(Unprocessable):
    """The platform does not offer this way to pay; GET /catalog/v1/config lists those that it does."""


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

    commission_rates: Mapped[list[CommissionRate]] = mapped_column(kept(list[CommissionRate]), default_factory=list)
    cancellation_policies: Mapped[list[CancellationPolicy]] = mapped_column(
        kept(list[CancellationPolicy]), default_factory=list
    )
    deposit: Mapped[Deposit | None] = mapped_column(kept(Deposit), default=None)
    tips_allowed: Mapped[bool] = mapped_column(default=True)
    max_open_holds: Mapped[int] = mapped_column(default=3)
    payment_modes: Mapped[list[str]] = mapped_column(kept(list[str]), default_factory=lambda: ["full"])
    switched: Mapped[dict[str, Any]] = mapped_column("features", default_factory=dict)

    @property
    def features(self) -> dict[Feature, bool]:
        """All there are; one that nobody has switched is on."""
        return {feature: self.switched.get(feature, True) for feature in Feature}

    def must_offer(self, policy: str | None) -> None:
        """`UnknownPolicy` unless an affiliate may choose it; None is the usual one."""
        if policy is not None and policy not in {offered.name for offered in self.cancellation_policies}:
            raise UnknownPolicy

    def must_offer_mode(self, mode: str | None) -> None:
        """`UnknownPaymentMode` unless an affiliate may choose it; None is the first."""
        if mode is not None and mode not in self.payment_modes:
            raise UnknownPaymentMode

    def change(self, wanted: Mapping[str, Any], features: Mapping[Feature, bool]) -> dict[str, Any]:
        """Take over what differs, and say what it was and is: `{"hold_minutes": [10, 15]}`. Features that are not named
        stay as they are."""
        changes = {n: [getattr(self, n), value] for n, value in wanted.items() if getattr(self, n) != value}
        for name, (_, value) in changes.items():
            setattr(self, name, value)
        for feature, on in features.items():
            if self.features[feature] is not on:
                changes[f"features.{feature}"] = [not on, on]
                self.switched = self.switched | {feature: on}
        if self.lead_minutes >= self.horizon_days * 1440:
            raise NothingBookable
        if changes:
            self.version += 1
        return to_jsonable_python(changes)  # type: ignore[no-any-return]


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
