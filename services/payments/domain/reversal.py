"""Of a payout, what comes back from its account."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Aggregate, words

from . import Base
from .intention import Intention
from .provider import RefusedByProvider


class ReversalStatus(StrEnum):
    """`refused`: the account has not so much any more; what it is for goes on being owed."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


class Reversal(Intention, Aggregate, Base, kw_only=True):
    """What of a payout, as far as it was for one payment, comes back: by our wish, or because somebody at the provider
    reversed its transfer; then one reversal there may be several rows here."""

    __tablename__ = "payout_reversals"
    operation = "reversal"

    payout_id: Mapped[int]
    payment_id: Mapped[int]
    amount_cents: Mapped[int]
    status: Mapped[ReversalStatus] = mapped_column(words(ReversalStatus), default=ReversalStatus.PENDING)
    refusal: Mapped[str | None] = mapped_column(default=None)
    stripe_reversal_id: Mapped[str | None] = mapped_column(default=None)
    checked_at: Mapped[datetime] = mapped_column(default_factory=now)

    @classmethod
    def wanted(cls, part: "Part", cents: int) -> Self:
        return cls(payout_id=part.payout_id, payment_id=part.payment_id, amount_cents=cents, **cls.intended())

    @classmethod
    def made_elsewhere(cls, part: "Part", cents: int, stripe_reversal_id: str) -> Self:
        reversal = cls.wanted(part, cents)
        reversal.status, reversal.stripe_reversal_id = ReversalStatus.DONE, stripe_reversal_id
        return reversal

    def arrive(self, stripe_reversal_id: str) -> None:
        self.status, self.stripe_reversal_id = ReversalStatus.DONE, stripe_reversal_id
        self.version += 1

    def refuse(self, refusal: RefusedByProvider) -> None:
        self.status, self.refusal = ReversalStatus.REFUSED, refusal.code[:200]
        self.version += 1


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of a payout that was for one payment, `cents`, and of the payout itself, `of_payout`."""

    payout_id: int
    payment_id: int
    cents: int
    of_payout: int


def shared_out(cents: int, parts: Iterable[Part]) -> Iterator[tuple[Part, int]]:
    """So much comes back: of which parts, in their order. Not more than is left of any part, or of its payout."""
    taken: dict[int, int] = {}
    for part in parts:
        before = taken.get(part.payout_id, 0)
        of_this = min(cents, part.cents, part.of_payout - before)
        if of_this > 0:
            taken[part.payout_id], cents = before + of_this, cents - of_this
            yield part, of_this
