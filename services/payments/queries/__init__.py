"""Every read of payments, and every lock."""

from datetime import timedelta

QUIET = timedelta(minutes=5)  # without news for so long, we ask the provider
