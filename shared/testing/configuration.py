"""The platform's configuration as catalog tells of it: `await deliver(config_changed(2, hold_minutes=5))`."""

from typing import Any

from shared.contracts.catalog import ConfigChanged


def config_changed(version: int = 1, **changes: Any) -> ConfigChanged:
    values: dict[str, Any] = {
        "config_id": 1, "version": version, "currency": "USD", "commission_bp": 1500, "hold_minutes": 10,
        "lead_minutes": 60, "horizon_days": 90, "free_cancellation_hours": 24, "late_cancellation_fee_bp": 5000,
    }  # fmt: skip
    return ConfigChanged.model_validate(values | changes)
