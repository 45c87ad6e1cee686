"""What a receipt, an invoice or a credit note says: kept where it was issued, told in the event, drawn as a PDF
(`shared.paper_pdf`) by whoever has it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from shared.pricing import Part


class PaperKind(StrEnum):
    RECEIPT = "receipt"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class PaperParty(Part):
    """A business: its name, and the lines below it."""

    name: str
    details: list[str] = Field(default_factory=list)


class PaperLine(Part):
    label: str
    amount_cents: int


class PaperPayment(Part):
    """Money that was paid; less than nothing if it went back."""

    label: str
    paid_on: date
    amount_cents: int


class Paper(Part):
    """In cents of `currency`; `lines` add up to `total_cents`, with `tax_cents` in it (whose line names the rate).

    `billed_to` is the name that its customer gave, with what stands below it: no part of what is kept for good.
    `seller` did the job; `agent` is the platform, which issues receipts in its own name and everything else in the
    seller's. `settled` is what was set against the total by then, `beside` what was paid on top of it. `refers_to` is
    the number of the paper that it is about.
    """

    kind: PaperKind
    number: str
    issued_at: datetime
    issued_on: date
    seller: PaperParty
    agent: PaperParty
    customer_id: int
    billed_to: list[str] = Field(default_factory=list)
    booking_id: int
    subject: str
    performed_on: date | None = None
    currency: str
    lines: list[PaperLine]
    total_cents: int
    tax_cents: int = 0
    settled: list[PaperPayment] = Field(default_factory=list)
    beside: list[PaperPayment] = Field(default_factory=list)
    refers_to: str | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(line.amount_cents for line in self.lines) != self.total_cents:
            raise ValueError("the lines do not add up to the total")
        return self

    def to(self, lines: list[str]) -> Self:
        return self.model_copy(update={"billed_to": lines})

    @property
    def due_cents(self) -> int:
        """What was still to be paid then; below nothing, what was to go back."""
        return self.total_cents - sum(payment.amount_cents for payment in self.settled)
