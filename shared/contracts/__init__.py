"""The published language: one module per producing service, owned by it. Importing this package knows every event."""

from shared.contracts import analytics, booking, catalog, identity, notifications, payments, reviews

__all__ = ["analytics", "booking", "catalog", "identity", "notifications", "payments", "reviews"]
