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
# In the causes of papers: whose decision they answer.
BY_US, BY_BANK = ":credit:", ":bank:"


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
        elif self.bill and self._invoice:
            yield from self._corrections(self.bill, self._invoice, today)
        for tip in self._tips:
            yield from self._tip_corrections(tip)

    @property
    def _taken(self) -> list[Payment]:
        return [one for one in self.payments if one.status in TAKEN and one.captured_cents > 0 and not one.surplus]

    @property
    def _tips(self) -> list[Payment]:
        return [payment for payment in self._taken if payment.purpose is Purpose.TIP]

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
        content = {
            "performed_on": bill.performed_on,
            "lines": bill.lines,
            "total_cents": bill.total_cents,
            "tax_cents": bill.tax_cents,
            "settled": [*self._settled(bill, today)],
            "beside": [self._paid(payment) for payment in self._tips],
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
        """As the provider has confirmed."""
        return sum(payment.refunded_cents for payment in self._of_price)

    def _too_much(self, bill: Bill) -> int:
        """A fee is less than what was paid, and a cheaper time than the one that was."""
        return max(sum(payment.captured_cents for payment in self._of_price) - bill.total_cents, 0)

    def _corrections(self, bill: Bill, invoice: Invoice, today: date) -> Iterator[Draft]:
        """What went back after, and what a bank has for good: if it gives that back, the credit is taken back."""
        too_much, lost = self._too_much(bill), sum(payment.lost_cents for payment in self._of_price)
        by_us = max(self._sent_back - too_much, 0)
        by_bank = max(self._sent_back + lost - too_much, 0) - by_us
        if by_us > self._credited(BY_US):
            yield self._credit_note(bill, invoice, by_us - self._credited(BY_US), BY_US)
        if by_bank > self._credited(BY_BANK):
            yield self._credit_note(bill, invoice, by_bank - self._credited(BY_BANK), BY_BANK)
        elif by_bank < self._credited(BY_BANK):
            yield self._charge_again(bill, self._credited(BY_BANK) - by_bank, today)

    def _tip_corrections(self, tip: Payment) -> Iterator[Draft]:
        """Of a tip there is no invoice, so its receipt is what is credited; what a bank gives back has another one."""
        receipt, of = self._receipt_of(tip), f"payment:{tip.id}:"
        assert receipt is not None  # is issued first
        wanted, credited = tip.refunded_cents + tip.lost_cents, self._credited(of)
        if wanted == credited:
            return
        is_more, cents = wanted > credited, abs(wanted - credited)
        label = f"Credit on receipt {receipt.number}" if is_more else f"Credit on receipt {receipt.number} taken back"
        content = {
            "lines": [PaperLine(label=label, amount_cents=cents)],
            "total_cents": cents,
            "refers_to": receipt.number,
        }
        cause = f"{of}{sum(of in one.cause for one in self.issued) + 1}"
        if is_more:
            yield Draft(PaperKind.CREDIT_NOTE, cause, content, refers_to=receipt.id)
        else:
            yield Draft(PaperKind.RECEIPT, cause, content, payment_id=tip.id, refers_to=receipt.id)

    def _credited(self, of: str) -> int:
        """Less what was taken back of it."""
        papers = [one for one in self.issued if of in one.cause]
        return sum(one.total_cents if one.kind is PaperKind.CREDIT_NOTE else -one.total_cents for one in papers)

    def _credit_note(self, bill: Bill, invoice: Invoice, cents: int, of: str) -> Draft:
        label = f"Credit on invoice {invoice.number}"
        content = self._part(bill, cents, label if of is BY_US else f"{label}: taken back by your bank")
        content["refers_to"] = invoice.number
        return Draft(PaperKind.CREDIT_NOTE, self._cause(bill, of), content, refers_to=invoice.id)

    def _charge_again(self, bill: Bill, cents: int, today: date) -> Draft:
        """By another invoice, which is paid: what was issued stays as it is."""
        credit = [one for one in self.issued if one.kind is PaperKind.CREDIT_NOTE and BY_BANK in one.cause][-1]
        content = self._part(bill, -cents, f"Credit note {credit.number} taken back") | {
            "performed_on": bill.performed_on,
            "settled": [PaperPayment(label="Returned by your bank", paid_on=today, amount_cents=cents)],
            "refers_to": credit.number,
        }
        return Draft(PaperKind.INVOICE, self._cause(bill, BY_BANK), content, refers_to=credit.id)

    def _part(self, bill: Bill, cents: int, label: str) -> dict[str, Any]:
        """So much more is credited, or less. Its tax is what the sum of all so far has more of than before, so that all
        of it back is all of the tax."""
        before, of = self._credited(BY_US) + self._credited(BY_BANK), (bill.tax_cents, bill.total_cents)
        tax, total = abs(tax_in(before + cents, *of) - tax_in(before, *of)), abs(cents)
        lines = [PaperLine(label=label, amount_cents=total - tax)]
        if tax:
            lines.append(PaperLine(label=bill.lines[-1].label, amount_cents=tax))
        return {"lines": lines, "total_cents": total, "tax_cents": tax}

    def _cause(self, bill: Bill, of: str) -> str:
        return f"booking:{bill.booking_id}{of}{sum(of in one.cause for one in self.issued) + 1}"


def _label(payment: Payment) -> str:
    return "Deposit" if payment.rest_cents else PAID_FOR[payment.purpose]
