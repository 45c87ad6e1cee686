"""Whoever reads an address that an event names: nobody's contact, or not yet."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

STAFF = "staff"  # in the place of an address: what is configured when the mail is sent


class Addressee(BaseModel):
    """As a contact has it, as far as it is told. `secret` is what the mail's link carries until `expires_at`."""

    model_config = ConfigDict(frozen=True)

    user_id: int | None = None
    email: str
    full_name: str = ""
    timezone: str = "UTC"
    secret: str | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, facts: dict[str, Any], field: str) -> Self:
        """`field` is the one with the address."""
        return cls.model_validate({**facts, "email": facts[field]})

    @property
    def is_staff(self) -> bool:
        return self.email == STAFF
