"""What analytics is told by its environment, beyond what every service is."""

from pydantic import Field

import shared.settings


class Settings(shared.settings.Settings):
    """`MDH_ANALYTICS_RETENTION_DAYS`: how many UTC days events are kept; the counted numbers stay."""

    analytics_retention_days: int = Field(default=400, ge=1, le=3650)
