"""What was issued: receipts, invoices and credit notes. None of it ever changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.auth import Actor
from shared.clock import now
from shared.db import Keyed, Timestamped, kept, words
from shared.errors import NotFound
from shared.papers import Paper, PaperKind

from . import Base
from .billing_name import InvoiceName

PLATFORM = 0
INITIALS = {PaperKind.RECEIPT: "R", PaperKind.INVOICE: "I", PaperKind.CREDIT_NOTE: "C"}


class NoSuchInvoice(NotFound):
    """There is no such document, or it is not yours to see."""


class NumberRange(Timestamped, Base, kw_only=True):
    """One per kind, issuer and year, in which numbers have no holes. The platform issues receipts in its own name, the
    rest in the affiliate's."""

    __tablename__ = "number_ranges"

    kind: Mapped[PaperKind] = mapped_column(words(PaperKind), primary_key=True)
    issuer_id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


def issuer_of(kind: PaperKind, affiliate_id: int) -> int:
    return PLATFORM if kind is PaperKind.RECEIPT else affiliate_id


def number_of(kind: PaperKind, issuer_id: int, year: int, ordinal: int) -> str:
    """`R-2026-000012` of the platform, `I-31-2026-000012` of affiliate 31."""
    of = f"{INITIALS[kind]}-{issuer_id}" if issuer_id else INITIALS[kind]
    return f"{of}-{year}-{ordinal:06}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A paper without its number and day. `content` is what it says beside who is who."""

    kind: PaperKind
    cause: str
    content: dict[str, Any]
    payment_id: int | None = None
    refers_to: int | None = None


class Invoice(Keyed, Base, kw_only=True):
    """`paper` is all that it says. `cause` is what it answers: one of a cause."""

    __tablename__ = "invoices"

    kind: Mapped[PaperKind] = mapped_column(words(PaperKind))
    issuer_id: Mapped[int]
    year: Mapped[int]
    ordinal: Mapped[int]
    number: Mapped[str]
    cause: Mapped[str]
    booking_id: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    payment_id: Mapped[int | None] = mapped_column(default=None)
    refers_to: Mapped[int | None] = mapped_column(default=None)
    currency: Mapped[str]
    total_cents: Mapped[int]
    tax_cents: Mapped[int]
    paper: Mapped[Paper] = mapped_column(kept(Paper))
    issued_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)
    in_name_of: Mapped[InvoiceName | None] = relationship(lazy="joined", default=None)

    @property
    def whole(self) -> Paper:
        """With the name that it was issued to, as long as its customer has not been erased."""
        return self.paper.to(self.in_name_of.lines) if self.in_name_of else self.paper

    @classmethod
    def of(cls, paper: Paper, draft: Draft, *, affiliate_id: int, issuer_id: int, ordinal: int) -> Self:
        return cls(
            kind=paper.kind,
            issuer_id=issuer_id,
            year=paper.issued_on.year,
            ordinal=ordinal,
            number=paper.number,
            cause=draft.cause,
            booking_id=paper.booking_id,
            customer_id=paper.customer_id,
            affiliate_id=affiliate_id,
            payment_id=draft.payment_id,
            refers_to=draft.refers_to,
            currency=paper.currency,
            total_cents=paper.total_cents,
            tax_cents=paper.tax_cents,
            paper=paper,
            issued_at=paper.issued_at,
        )

    @property
    def version(self) -> int:
        """The only one that there ever is."""
        return 1

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.customer_id == self.customer_id or actor.runs(self.affiliate_id) or actor.is_staff
