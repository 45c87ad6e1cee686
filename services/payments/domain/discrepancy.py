"""In what the provider's books and ours differ, after everything was asked for once more."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Aggregate, words
from shared.errors import Conflict, NotFound

from . import Base
from .comparison import Difference, Kind


class DiscrepancyStatus(StrEnum):
    """`explained`: it is there, and somebody has said why that is right. `resolved`: it is not there any more."""

    OPEN = "open"
    EXPLAINED = "explained"
    RESOLVED = "resolved"


class NoSuchDiscrepancy(NotFound):
    """There is no such discrepancy."""


class AlreadyResolved(Conflict):
    """This discrepancy is resolved; if it is found again, it is open again."""


class Discrepancy(Aggregate, Base, kw_only=True):
    """One difference, however often it is found: `kind` and `subject` tell it from others. `about` is what was compared
    when it was found: when that is compared again and the difference is not there, it is resolved. `owner` sees to
    it, or has decided about it: a user's id, or a name from the command line."""

    __tablename__ = "discrepancies"

    kind: Mapped[Kind] = mapped_column(words(Kind))
    subject: Mapped[str]
    about: Mapped[str]
    provider_says: Mapped[str]
    we_say: Mapped[str]
    status: Mapped[DiscrepancyStatus] = mapped_column(words(DiscrepancyStatus), default=DiscrepancyStatus.OPEN)
    owner: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)
    found_at: Mapped[datetime] = mapped_column(default_factory=now)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)

    @classmethod
    def of(cls, about: str, found: Difference) -> Self:
        return cls(
            about=about, kind=found.kind, subject=found.subject, provider_says=found.provider_says, we_say=found.we_say
        )

    def find_again(self, found: Difference) -> bool:
        """Says whether it was thought to be over."""
        was_over = self.status is DiscrepancyStatus.RESOLVED
        self.provider_says, self.we_say = found.provider_says, found.we_say
        if was_over:
            self._become(DiscrepancyStatus.OPEN)
        return was_over

    def heal(self) -> None:
        """Both say the same by now."""
        if self.status is not DiscrepancyStatus.RESOLVED:
            self._become(DiscrepancyStatus.RESOLVED)

    def assign(self, owner: str) -> None:
        """From now on they see to it; what it is does not change by that."""
        if self.status is DiscrepancyStatus.RESOLVED:
            raise AlreadyResolved
        self.owner = owner
        self.version += 1

    def explain(self, owner: str, note: str) -> None:
        self._decide(DiscrepancyStatus.EXPLAINED, owner, note)

    def resolve(self, owner: str, note: str) -> None:
        """By somebody's word; found again, it is open again."""
        self._decide(DiscrepancyStatus.RESOLVED, owner, note)

    def _decide(self, status: DiscrepancyStatus, owner: str, note: str) -> None:
        if self.status is DiscrepancyStatus.RESOLVED:
            raise AlreadyResolved
        self.owner, self.note = owner, note
        self._become(status)

    def _become(self, status: DiscrepancyStatus) -> None:
        self.status, self.closed_at = status, now() if status is DiscrepancyStatus.RESOLVED else None
        self.version += 1
