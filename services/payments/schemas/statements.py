"""Statements of affiliates: as JSON, as lines of a spreadsheet, as a paper."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import Field

from shared.documents import Column, Document, Table
from shared.http import View
from shared.money import shown
from shared.sheets import Cell

from ..domain.statement import Account, Line, LineKind, Month, Statement

SAID = {
    LineKind.OPENING: "Brought forward",
    LineKind.PAYMENT: "Payments",
    LineKind.TIP: "Tips",
    LineKind.PAID_ON_SITE: "Commission of payments at the door",
    LineKind.REFUND: "Refunds",
    LineKind.DISPUTE: "Disputes",
    LineKind.PAYOUT: "Paid out",
    LineKind.REVERSAL: "Taken back of payouts",
}
SAID_OF_ONE = {
    LineKind.OPENING: "Brought forward",
    LineKind.PAYMENT: "Payment",
    LineKind.TIP: "Tip",
    LineKind.PAID_ON_SITE: "Paid at the door",
    LineKind.REFUND: "Refund",
    LineKind.DISPUTE: "Dispute",
    LineKind.PAYOUT: "Payout",
    LineKind.REVERSAL: "Taken back of a payout",
}
CSV_COLUMNS = (
    "at", "kind", "booking_id", "payment_id", "payout_id", "currency", "gross", "commission", "tax", "amount", "balance"
)  # fmt: skip
PAPER_COLUMNS = (
    Column("Date", 14),
    Column("What", 28),
    Column("Gross", 14, number=True),
    Column("Commission", 14, number=True),
    Column("Tax", 12, number=True),
    Column("To you", 13, number=True),
    Column("Balance", 14, number=True),
)
NOTE = (
    "Days and months are those of UTC. Yours is what customers have paid (gross), less the platform's commission and"
    " the tax that it hands on. A balance below nothing is set off against what you earn next."
)


class LineView(View):
    """`amount_cents` is what the line changes for the affiliate: gross less commission and tax. The first line is what
    was there before; the balance after the last one is what is there at the end."""

    at: datetime
    kind: LineKind
    booking_id: int | None
    payment_id: int | None
    payout_id: int | None
    gross_cents: int
    commission_cents: int
    tax_cents: int
    amount_cents: int
    balance_cents: int


class AccountView(View):
    currency: str
    opening_cents: int
    closing_cents: int
    sums: dict[LineKind, int] = Field(description="what each kind of line comes to")
    lines: list[LineView]


class StatementView(View):
    """An affiliate's money in one month, by UTC. Not `is_complete`: the month is not over."""

    affiliate_id: int
    name: str | None
    month: str
    is_complete: bool
    made_at: datetime
    accounts: list[AccountView] = Field(description="one for each currency")

    @classmethod
    def of(cls, statement: Statement) -> "StatementView":
        accounts = [AccountView.model_validate(account) for account in statement.accounts]
        return cls(
            affiliate_id=statement.affiliate_id,
            name=statement.name,
            month=str(statement.month),
            is_complete=statement.is_complete,
            made_at=statement.made_at,
            accounts=accounts,
        )


class MonthView(View):
    month: str


class MonthsView(View):
    """The months in which something happened, newest first."""

    items: list[MonthView]

    @classmethod
    def of(cls, months: Sequence[Month]) -> "MonthsView":
        return cls(items=[MonthView(month=str(month)) for month in months])


def rows_of(statement: Statement) -> Iterator[Sequence[Cell]]:
    """In whole units of the currency. The amounts of a currency add up to its balance at the end."""
    for account in statement.accounts:
        for line in account.lines:
            ids = [id or "" for id in (line.booking_id, line.payment_id, line.payout_id)]
            cents = (
                line.gross_cents,
                line.commission_cents,
                line.tax_cents,
                line.amount_cents,
                line.balance_cents,
            )
            yield line.at.isoformat(), line.kind, *ids, account.currency, *(Decimal(c).scaleb(-2) for c in cents)


def paper_of(statement: Statement) -> Document:
    month = statement.month
    last_day = month.end - timedelta(days=1)
    who = statement.name or "Affiliate"
    return Document(
        title=f"Statement {month.start:%B %Y}",
        made_at=statement.made_at,
        facts=[
            ("For", f"{who} ({statement.affiliate_id})"),
            ("Period", f"{month.start:%Y-%m-%d} to {last_day:%Y-%m-%d}"),
            ("As of", f"{statement.made_at:%Y-%m-%d %H:%M} UTC" + ("" if statement.is_complete else ", so far")),
        ],
        tables=[_table(account) for account in statement.accounts],
        notes=[NOTE] if statement.accounts else ["Nothing happened in this month.", NOTE],
    )


def _table(account: Account) -> Table:
    currency = account.currency
    sums = [(SAID[kind], shown(cents, currency)) for kind, cents in account.sums.items()]
    return Table(
        PAPER_COLUMNS,
        [_cells(line, currency) for line in account.lines],
        totals=[
            (SAID[LineKind.OPENING], shown(account.opening_cents, currency)),
            *sums,
            ("Balance", shown(account.closing_cents, currency)),
        ],
        heading=currency,
    )


def _cells(line: Line, currency: str) -> Sequence[str]:
    about = f", booking {line.booking_id}" if line.booking_id else f" {line.payout_id}" if line.payout_id else ""
    parts = (line.gross_cents, -line.commission_cents, -line.tax_cents)
    moved = [shown(cents, currency) if cents else "" for cents in parts]
    said = f"{SAID_OF_ONE[line.kind]}{about}"
    return f"{line.at:%Y-%m-%d}", said, *moved, shown(line.amount_cents, currency), shown(line.balance_cents, currency)
