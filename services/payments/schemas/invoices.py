"""Receipts, invoices and credit notes."""

from datetime import datetime

from pydantic import Field

from shared.http import View
from shared.papers import Paper, PaperKind


class InvoiceView(View):
    """`paper` is all that it says; nothing of it ever changes."""

    id: int
    kind: PaperKind
    number: str
    booking_id: int
    customer_id: int
    affiliate_id: int
    payment_id: int | None = Field(description="of a receipt, what was paid")
    refers_to: int | None = Field(description="the invoice that it is about, by its id")
    total_cents: int
    tax_cents: int
    currency: str
    paper: Paper = Field(validation_alias="whole")
    issued_at: datetime
