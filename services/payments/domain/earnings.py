"""What of a payment its affiliate is to be paid, and from when on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .ledger import affiliate_share, held_back
from .payment import Payment


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """What was earned waits for `hold`, and until it comes to `minimum_cents` together with all else. What is owed
    after a payout is taken back when nothing has set it off for `debts_wait`."""

    hold: timedelta
    minimum_cents: int
    debts_wait: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Earning:
    """A payment, and since when both its money is here and its booking will stay as it is; None: not yet."""

    payment: Payment
    since: datetime | None

    @property
    def due_cents(self) -> int:
        """Its affiliate's share by now, less what waits for banks, less what was paid out of it; below nothing: a
        debt, of a refund after a payout or of a commission that was not taken."""
        return affiliate_share(self.payment) - held_back(self.payment) - self.payment.paid_out_cents

    def is_ripe(self, at: datetime, hold: timedelta) -> bool:
        """What an affiliate owes is set off at once; what it is to get waits, lest the customer wants it back, and as
        long as a person has to look at its payment."""
        waited = self.since is not None and self.since + hold <= at
        return self.due_cents <= 0 or (waited and self.payment.attention is None)


def ripe(earnings: Iterable[Earning], terms: PayoutTerms, at: datetime) -> dict[str, list[Earning]]:
    """By currency, whatever can be settled by now."""
    found: dict[str, list[Earning]] = {}
    for earning in earnings:
        if earning.is_ripe(at, terms.hold):
            found.setdefault(earning.payment.currency, []).append(earning)
    return found


def total(earnings: Sequence[Earning]) -> int:
    return sum(earning.due_cents for earning in earnings)
