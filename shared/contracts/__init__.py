"""The published language: one module per producing service, owned by it. Importing this package knows every event."""

from shared.contracts import booking, catalog, identity, payments, reviews

__all__ = ["booking", "catalog", "identity", "payments", "reviews"]
