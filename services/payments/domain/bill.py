"""What a booking is to be invoiced for: the job, once it is done, or the fee of one that was called off."""

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Mapped, mapped_column

from shared.contracts.booking import BookingCancelled, BookingCompleted, BookingEvent, BookingNoShow
from shared.db import Timestamped, kept
from shared.papers import PaperLine
from shared.pricing import LineItem, LineKind
from shared.terms import PaymentMode

from . import Base

Billable = BookingCompleted | BookingCancelled | BookingNoShow
FEES = {BookingCancelled: "Fee for cancelling late", BookingNoShow: "Fee for a missed appointment"}


def tax_in(cents: int, tax_cents: int, total_cents: int) -> int:
    """Of the tax in a total, what falls on a part of it; half a cent counts, as in the books."""
    return (tax_cents * cents * 2 + total_cents) // (2 * total_cents) if total_cents else 0


class Bill(Timestamped, Base, kw_only=True):
    """One per booking, whatever becomes of it later. `lines` add up to `total_cents`, with `tax_cents` in it."""

    __tablename__ = "bills"

    booking_id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    subject: Mapped[str]
    performed_on: Mapped[date]
    payment_mode: Mapped[str]
    currency: Mapped[str]
    lines: Mapped[list[PaperLine]] = mapped_column(kept(list[PaperLine]))
    total_cents: Mapped[int]
    tax_cents: Mapped[int]

    @property
    def is_paid_at_the_door(self) -> bool:
        return self.payment_mode == PaymentMode.ON_SITE


def bill_of(event: Billable) -> Bill | None:
    """None if there is nothing to pay for. A fee is what was kept of the money, and what is taken for it yet."""
    if isinstance(event, BookingCompleted):
        return _bill(event, _lines_of(event), event.price_cents, event.tax_cents)
    fee = (event.kept_cents or 0) + event.fee_due_cents
    tax = tax_in(fee, event.tax_cents, event.price_cents)
    label = f"{FEES[type(event)]}: {event.service_name}, {event.tier_name}"
    return _bill(event, _with_tax(label, fee, tax, tax_label(event)), fee, tax)


def _bill(event: BookingEvent, lines: list[PaperLine], total_cents: int, tax_cents: int) -> Bill | None:
    if total_cents <= 0:
        return None
    return Bill(
        booking_id=event.booking_id,
        customer_id=event.customer_id,
        affiliate_id=event.affiliate_id,
        subject=f"{event.service_name}, {event.tier_name}",
        performed_on=event.appointment_start.astimezone(ZoneInfo(event.timezone)).date(),
        payment_mode=event.payment_mode,
        currency=event.currency,
        lines=lines,
        total_cents=total_cents,
        tax_cents=tax_cents,
    )


def _lines_of(event: BookingEvent) -> list[PaperLine]:
    """As they were agreed; bookings from before there were lines have one."""
    if event.lines:
        return [PaperLine(label=_words_of(line), amount_cents=line.amount_cents) for line in event.lines]
    label = f"{event.service_name}, {event.tier_name}"
    return _with_tax(label, event.price_cents, event.tax_cents, tax_label(event))


def _words_of(line: LineItem) -> str:
    return f"Promotion {line.label}" if line.kind is LineKind.PROMOTION else line.label


def _with_tax(label: str, total_cents: int, tax_cents: int, tax_label: str) -> list[PaperLine]:
    lines = [PaperLine(label=label, amount_cents=total_cents - tax_cents)]
    return [*lines, PaperLine(label=tax_label, amount_cents=tax_cents)] if tax_cents else lines


def tax_label(event: BookingEvent) -> str:
    """As its line has it, with the rate."""
    return next((line.label for line in event.lines if line.kind is LineKind.TAX), "Tax")
