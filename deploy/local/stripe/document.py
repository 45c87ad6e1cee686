"""A resource as Stripe's API shows it."""

from typing import Any

Document = dict[str, Any]
