"""What the API takes and gives of the platform's configuration."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictInt, model_validator

from shared.http import Body, View

from ..domain.config import CURRENCIES
from .words import BasisPoints


class ConfigRequest(Body):
    """The whole configuration. Holds last `hold_minutes`; bookings begin `lead_minutes` to `horizon_days` from now."""

    currency: Literal[CURRENCIES]  # type: ignore[valid-type]
    commission_bp: BasisPoints
    hold_minutes: Annotated[StrictInt, Field(ge=1, le=1440)]
    lead_minutes: Annotated[StrictInt, Field(ge=0, le=43_200)]
    horizon_days: Annotated[StrictInt, Field(ge=1, le=730)]
    free_cancellation_hours: Annotated[StrictInt, Field(ge=0, le=720)]
    late_cancellation_fee_bp: BasisPoints

    @model_validator(mode="after")
    def _has_a_window(self) -> Self:
        if self.lead_minutes >= self.horizon_days * 1440:
            raise ValueError("lead_minutes reaches beyond horizon_days: nothing could be booked")
        return self


class PublicConfigView(View):
    version: int
    currency: str
    hold_minutes: int
    lead_minutes: int
    horizon_days: int
    free_cancellation_hours: int
    late_cancellation_fee_bp: int


class ConfigView(PublicConfigView):
    """With what is between the platform and its affiliates; for staff."""

    commission_bp: int
    updated_at: datetime


class ConfigChangeView(View):
    """`changes` maps a field to what it was and what it became; the first entry is the installation."""

    version: int
    changed_by: int | None
    changes: dict[str, Any]
    created_at: datetime
