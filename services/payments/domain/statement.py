"""What happened to an affiliate's money in a month: the lines of the books that are about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from shared.errors import NotFound

from .life import Purpose, Status


class NoSuchStatement(NotFound):
    """There is no statement of this month: it has not begun."""


@dataclass(frozen=True, slots=True)
class Month:
    """By UTC, as the books are, so that each line is in one month and stays there."""

    start: datetime

    @classmethod
    def named(cls, name: str, at: datetime) -> Self:
        """`2026-11`; refused if it has not begun."""
        month = cls(datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC))
        if month.start > at:
            raise NoSuchStatement
        return month

    @property
    def end(self) -> datetime:
        """When the next one begins."""
        return (
            self.start.replace(month=self.start.month + 1)
            if self.start.month < 12
            else datetime(self.start.year + 1, 1, 1, tzinfo=UTC)
        )

    def __str__(self) -> str:
        return f"{self.start:%Y-%m}"


class LineKind(StrEnum):
    """`opening` is what was there before, `paid_on_site` the commission of what a customer paid at the door; a refund
    that could not be sent back, and a dispute that was won after all, come in again under the same name. `reversal` is
    what was taken back of a payout."""

    OPENING = "opening"
    PAYMENT = "payment"
    TIP = "tip"
    PAID_ON_SITE = "paid_on_site"
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Line:
    """`amount_cents` is what it changes for the affiliate: of `gross_cents`, less the platform's commission and tax."""

    at: datetime
    kind: LineKind
    amount_cents: int
    balance_cents: int
    gross_cents: int = 0
    commission_cents: int = 0
    tax_cents: int = 0
    booking_id: int | None = None
    payment_id: int | None = None
    payout_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal of the books, as far as it is about an affiliate; sums as the books have them."""

    at: datetime
    currency: str
    payment_id: int | None
    payout_id: int | None
    booking_id: int | None
    purpose: Purpose | None
    status: Status | None
    is_first: bool
    payable: int
    commission: int
    tax: int
    refunds: int

    @property
    def kind(self) -> LineKind:
        if self.payout_id is not None:
            return LineKind.PAYOUT if self.payable > 0 else LineKind.REVERSAL
        if self.status is Status.PAID_ON_SITE:
            return LineKind.PAID_ON_SITE
        if self.is_first:
            return LineKind.TIP if self.purpose is Purpose.TIP else LineKind.PAYMENT
        return LineKind.REFUND if self.refunds else LineKind.DISPUTE

    def line(self, before: int) -> Line:
        commission, tax, amount = -self.commission, -self.tax, -self.payable
        return Line(
            at=self.at,
            kind=self.kind,
            amount_cents=amount,
            balance_cents=before + amount,
            gross_cents=0 if self.payout_id else amount + commission + tax,
            commission_cents=commission,
            tax_cents=tax,
            booking_id=self.booking_id,
            payment_id=self.payment_id,
            payout_id=self.payout_id,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """One currency's part of a statement; its first line is what was there before."""

    currency: str
    lines: Sequence[Line]

    @property
    def opening_cents(self) -> int:
        return self.lines[0].balance_cents

    @property
    def closing_cents(self) -> int:
        return self.lines[-1].balance_cents

    @property
    def sums(self) -> dict[LineKind, int]:
        """What each kind of line comes to, in the order in which they are named."""
        kinds = [kind for kind in LineKind if any(line.kind is kind for line in self.lines[1:])]
        return {kind: sum(line.amount_cents for line in self.lines if line.kind is kind) for kind in kinds}


@dataclass(frozen=True, slots=True)
class Statement:
    """Of a month that is not over, it is what happened so far."""

    affiliate_id: int
    name: str | None
    month: Month
    made_at: datetime
    accounts: Sequence[Account]

    @property
    def is_complete(self) -> bool:
        return self.month.end <= self.made_at


def accounts_of(month: Month, opening: dict[str, int], entries: Iterable[Entry]) -> list[Account]:
    """By currency: what was there before, and each line with what there was after it."""
    lines = {
        currency: [Line(month.start, LineKind.OPENING, cents, cents)] for currency, cents in sorted(opening.items())
    }
    for entry in entries:
        known = lines.setdefault(entry.currency, [Line(month.start, LineKind.OPENING, 0, 0)])
        known.append(entry.line(known[-1].balance_cents))
    return [Account(currency, found) for currency, found in sorted(lines.items())]
