"""What booking adds to the platform's settings."""

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.settings import Profile
from shared.settings import Settings as PlatformSettings


class Settings(PlatformSettings):
    calendars_may_be_local: bool = Field(
        default=False, description="read external calendars at http and private addresses, too; never in production"
    )

    travel: Literal["distance"] = Field(default="distance", description="how long drives are estimated to take")

    series_days_ahead: int = Field(
        default=21, ge=2, le=365, description="how many days ahead the visits of a series are booked, at most"
    )

    @model_validator(mode="after")
    def _nothing_inside_in_production(self) -> Self:
        if self.calendars_may_be_local and self.profile is Profile.PRODUCTION:
            raise ValueError("MDH_CALENDARS_MAY_BE_LOCAL would let affiliates ask what is behind the firewall")
        return self
