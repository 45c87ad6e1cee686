"""Identifiers that look like Stripe's."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(length))}"


def new_client_secret(intent_id: str) -> str:
    return new_id(f"{intent_id}_secret", 25)
