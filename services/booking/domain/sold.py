"""What an appointment costs, what of it was paid, and what goes back."""

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from shared.db import Versioned, kept, words
from shared.pricing import LineItem, Price
from shared.terms import PaymentMode


class Sold(Versioned, MappedAsDataclass, kw_only=True):
    """Cents of `currency`, as agreed when it was made, and the sums of what came and what went back since. `fee_cents`
    is what a late end cost, where the price was to be taken only when it was done."""

    price_cents: Mapped[int]
    commission_cents: Mapped[int]
    currency: Mapped[str]
    lines: Mapped[list[LineItem]] = mapped_column(kept(list[LineItem]), default_factory=list)
    tax_cents: Mapped[int] = mapped_column(default=0)
    late_fee_cents: Mapped[int]
    no_show_fee_cents: Mapped[int]
    paid_cents: Mapped[int] = mapped_column(default=0)
    refund_cents: Mapped[int] = mapped_column(default=0)
    fee_cents: Mapped[int] = mapped_column(default=0)
    payment_mode: Mapped[PaymentMode] = mapped_column(words(PaymentMode), default=PaymentMode.FULL)
    deposit_cents: Mapped[int | None] = mapped_column(default=None)

    def cost_anew(self, price: Price) -> int:
        """From now on. Fees that were agreed stay, as far as the price covers them."""
        before, self.price_cents = self.price_cents, price.total_cents
        sold = Price(lines=self.lines, duration_minutes=0).commissionable_cents
        if sold:  # at the rate of the moment when it was booked; half a cent is the platform's
            self.commission_cents = (price.commissionable_cents * self.commission_cents * 2 + sold) // (2 * sold)
        self.lines, self.tax_cents = price.lines, price.tax_cents
        self.late_fee_cents = min(self.late_fee_cents, self.price_cents)
        self.no_show_fee_cents = min(self.no_show_fee_cents, self.price_cents)
        return self.price_cents - before

    def settle_less(self) -> int:
        """What was paid above the price goes back; says how much now."""
        back = self.give_back(self.price_cents)
        self.version += back > 0
        return back

    @property
    def missing_cents(self) -> int:
        """What of its price has not come, or went back."""
        return self.price_cents - self.paid_cents + self.refund_cents

    def settle_more(self) -> None:
        """More is asked for, or what was asked for is called off."""
        self.version += 1

    def owe_back(self, paid_cents: int) -> None:
        """Money for a booking that was cancelled before it was paid: everything goes back."""
        self.paid_cents = self.refund_cents = paid_cents
        self.version += 1

    def take_more(self, cents: int) -> None:
        """So much more has come."""
        self.paid_cents += cents
        self.version += 1

    def owe_back_more(self, cents: int) -> int:
        """So much more has come, for a booking that is gone: it goes back, beside what is to go back already, but for a
        fee that is due; says how much."""
        back = max(cents - self.fee_due_cents, 0)
        self.paid_cents += cents
        self.refund_cents += back
        self.version += 1
        return back

    @property
    def fee_due_cents(self) -> int:
        """What of the fee has not come yet."""
        return max(self.fee_cents - (self.paid_cents - self.refund_cents), 0)

    def end_for(self, fee_cents: int) -> int:
        """It ends, and that costs so much: says how much of what was paid goes back now. Where the price was not taken
        yet, a fee is due from now on."""
        if self.payment_mode is PaymentMode.AUTHORISE:
            self.fee_cents = fee_cents
        return self.give_back(fee_cents)

    @property
    def kept_cents(self) -> int:
        """Of what was ever paid, what stays: of a booking that is gone, the fee."""
        return self.paid_cents - self.refund_cents

    def give_back(self, but: int) -> int:
        """What was paid and does not go back already, less so much."""
        back = max(self.paid_cents - self.refund_cents - but, 0)
        self.refund_cents += back
        return back
