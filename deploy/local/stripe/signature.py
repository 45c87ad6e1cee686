"""Webhook signatures as Stripe makes them: HMAC-SHA256 over the moment and the exact bytes sent."""

import hmac
from hashlib import sha256


def sign(payload: bytes, secret: str, moment: int) -> str:
    """The value of the `Stripe-Signature` header."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + payload, sha256).hexdigest()
    return f"t={moment},v1={digest}"
