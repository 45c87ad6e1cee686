"""What the API takes and gives of the platform's configuration."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt

from shared.http import Body, View

from ..domain.config import CURRENCIES
from .words import BasisPoints


class ConfigRequest(Body):
    """What is to change: what is left out stays. Holds last `hold_minutes`; bookings begin `lead_minutes` to
    `horizon_days` from now."""

    currency: Literal[CURRENCIES] = ""  # type: ignore[valid-type]
    commission_bp: BasisPoints = 0
    hold_minutes: Annotated[StrictInt, Field(ge=1, le=1440)] = 0
    lead_minutes: Annotated[StrictInt, Field(ge=0, le=43_200)] = 0
    horizon_days: Annotated[StrictInt, Field(ge=1, le=730)] = 0
    free_cancellation_hours: Annotated[StrictInt, Field(ge=0, le=720)] = 0
    late_cancellation_fee_bp: BasisPoints = 0

    @property
    def changes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


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
    """`changes` maps a field to what it was and what it became. `changed_by` is a user, `operator` whoever had a shell,
    by the name they gave; the first entry is the installation's."""

    version: int
    changed_by: int | None
    operator: str | None
    changes: dict[str, Any]
    created_at: datetime
