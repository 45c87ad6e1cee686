"""What we are going to ask the provider for, written down with its idempotency key before we ask."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from shared.clock import now
from shared.ids import new_id

from .provider import KEYS_HOLD


class Intention(MappedAsDataclass, kw_only=True):
    """`reference` is unique beyond this database and goes into the provider's metadata: by it an unanswered call is
    looked up. The key derives from reference, operation and attempt; it is stored, so that code may change."""

    operation: ClassVar[str]

    reference: Mapped[UUID]
    idempotency_key: Mapped[str]
    attempt: Mapped[int] = mapped_column(default=1)
    requested_at: Mapped[datetime] = mapped_column(default_factory=now)

    @classmethod
    def intended(cls) -> dict[str, Any]:
        """The columns of a first attempt."""
        reference = new_id()
        return {"reference": reference, "idempotency_key": _key(reference, cls.operation, 1)}

    def key_holds(self, at: datetime) -> bool:
        """Whether the provider still knows the key; later, what came of the call can only be looked up."""
        return at - self.requested_at < KEYS_HOLD

    def try_anew(self, at: datetime) -> None:
        """A new attempt under a new key; only after a look-up has shown that the one before had no effect."""
        self.attempt += 1
        self.idempotency_key = _key(self.reference, self.operation, self.attempt)
        self.requested_at = at


def _key(reference: UUID, operation: str, attempt: int) -> str:
    return f"mdh-{reference}-{operation}-{attempt}"
