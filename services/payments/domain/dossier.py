"""All that was paid, billed and issued of a booking, and what is still to be issued.

What must exist follows from the rows: whatever came twice, late or out of order, asking again finds nothing missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.papers import PaperKind, PaperLine, PaperPayment

from .bill import Bill, tax_in
from .invoice import Draft, Invoice
from .life import TAKEN, Purpose
from .payment import Payment

PAID_FOR = {
    Purpose.BOOKING: "Payment",
    Purpose.REST: "Rest of the price",
    Purpose.EXTRA: "Additional payment",
    Purpose.TIP: "Tip",
    Purpose.FEE: "Fee",
}


@dataclass(frozen=True, slots=True)
class Dossier:
    payments: Sequence[Payment]
    bill: Bill | None
    issued: Sequence[Invoice]

    @property
    def whose(self) -> Payment | Bill | None:
        return self.bill or next(iter(self.payments), None)

    def next_missing(self, today: date) -> Draft | None:
        """In the order in which they refer to each other: receipts, the invoice, what is credited of it."""
        return next(self._missing(today), None)

    def _missing(self, today: date) -> Iterator[Draft]:
        for payment in self._taken:
            if self._receipt_of(payment) is None:
                yield self._receipt(payment)
        if self.bill and self._invoice is None:
            yield self._draft_invoice(self.bill, today)
        elif self.bill and self._invoice and self._to_credit > 0:
            yield self._credit_note(self.bill, self._invoice)

    @property
    def _taken(self) -> list[Payment]:
        return [payment for payment in self.payments if payment.status in TAKEN and payment.captured_cents > 0]

    @property
    def _of_price(self) -> list[Payment]:
        return [payment for payment in self._taken if payment.purpose is not Purpose.TIP]

    @property
    def _invoice(self) -> Invoice | None:
        return next((one for one in self.issued if one.kind is PaperKind.INVOICE), None)

    def _receipt_of(self, payment: Payment) -> Invoice | None:
        return next((one for one in self.issued if one.payment_id == payment.id), None)

    def _receipt(self, payment: Payment) -> Draft:
        """Of a payment after the invoice it names that."""
        cents, invoice = payment.captured_cents, self._invoice
        content: dict[str, Any] = {
            "lines": [PaperLine(label=_label(payment), amount_cents=cents)],
            "total_cents": cents,
            "refers_to": invoice.number if invoice else None,
        }
        refers_to = invoice.id if invoice else None
        return Draft(PaperKind.RECEIPT, f"payment:{payment.id}", content, payment_id=payment.id, refers_to=refers_to)

    def _draft_invoice(self, bill: Bill, today: date) -> Draft:
        tips = [payment for payment in self._taken if payment.purpose is Purpose.TIP]
        content = {
            "performed_on": bill.performed_on,
            "lines": bill.lines,
            "total_cents": bill.total_cents,
            "tax_cents": bill.tax_cents,
            "settled": [*self._settled(bill, today)],
            "beside": [self._paid(payment) for payment in tips],
        }
        return Draft(PaperKind.INVOICE, f"booking:{bill.booking_id}", content)

    def _settled(self, bill: Bill, today: date) -> Iterator[PaperPayment]:
        """What went back before is no credit as far as more was taken than the total."""
        if bill.is_paid_at_the_door:
            yield PaperPayment(label="Paid at the door", paid_on=bill.performed_on, amount_cents=bill.total_cents)
        yield from (self._paid(payment) for payment in self._of_price)
        if back := min(self._sent_back, self._too_much(bill)):
            yield PaperPayment(label="Sent back", paid_on=today, amount_cents=-back)

    def _paid(self, payment: Payment) -> PaperPayment:
        receipt = self._receipt_of(payment)
        assert receipt is not None  # is issued first
        label = f"{_label(payment)} ({receipt.number})"
        return PaperPayment(label=label, paid_on=receipt.paper.issued_on, amount_cents=payment.captured_cents)

    @property
    def _sent_back(self) -> int:
        """As the provider has confirmed; a bank's taking it is no credit: the price was owed."""
        return sum(payment.refunded_cents for payment in self._of_price)

    def _too_much(self, bill: Bill) -> int:
        """A fee is less than what was paid, and a cheaper time than the one that was."""
        return max(sum(payment.captured_cents for payment in self._of_price) - bill.total_cents, 0)

    @property
    def _credited(self) -> int:
        return sum(one.total_cents for one in self.issued if one.kind is PaperKind.CREDIT_NOTE)

    @property
    def _to_credit(self) -> int:
        assert self.bill is not None
        return max(self._sent_back - self._too_much(self.bill), 0) - self._credited

    def _credit_note(self, bill: Bill, invoice: Invoice) -> Draft:
        """Its tax is what the sum of all so far has more of than before, so that all of it back is all of the tax."""
        before, cents, of = self._credited, self._to_credit, (bill.tax_cents, bill.total_cents)
        tax = tax_in(before + cents, *of) - tax_in(before, *of)
        lines = [PaperLine(label=f"Credit on invoice {invoice.number}", amount_cents=cents - tax)]
        if tax:
            lines.append(PaperLine(label=bill.lines[-1].label, amount_cents=tax))
        content = {"lines": lines, "total_cents": cents, "tax_cents": tax, "refers_to": invoice.number}
        number = sum(one.kind is PaperKind.CREDIT_NOTE for one in self.issued) + 1
        cause = f"booking:{bill.booking_id}:credit:{number}"
        return Draft(PaperKind.CREDIT_NOTE, cause, content, refers_to=invoice.id)


def _label(payment: Payment) -> str:
    return "Deposit" if payment.rest_cents else PAID_FOR[payment.purpose]
