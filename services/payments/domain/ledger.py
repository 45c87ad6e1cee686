"""The books: double entry, append-only. Debits are positive, credits negative, every journal adds up to nothing.

What the books must say of a payment follows from its row alone (`books_of`); a journal is the step from what they said
to what they are to say. So posting again posts nothing, and whether they are right can be asked at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.clock import now
from shared.db import Keyed, words

from . import Base
from .life import Status
from .payment import Payment

if TYPE_CHECKING:
    from .entry import Entry
    from .payout import Payout


class Account(StrEnum):
    """`refunds` is what is owed to customers and under way; `affiliate_payable` is kept by affiliate, its tips among
    it: nobody else has a part of them."""

    CUSTOMER_RECEIVABLE = "customer_receivable"
    PROVIDER_CLEARING = "provider_clearing"
    AFFILIATE_PAYABLE = "affiliate_payable"
    COMMISSION = "commission"
    TAX = "tax"
    PROVIDER_FEES = "provider_fees"
    REFUNDS = "refunds"
    DISPUTES = "disputes"


SHARED = (Account.COMMISSION, Account.TAX, Account.AFFILIATE_PAYABLE)

Balances = Mapping[Account, int]


class Posting(Keyed, Base, kw_only=True):
    """In cents of its journal's currency."""

    __tablename__ = "postings"

    journal_id: Mapped[int] = mapped_column(ForeignKey("journals.id"), init=False)
    account: Mapped[Account] = mapped_column(words(Account))
    affiliate_id: Mapped[int | None]
    amount_cents: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an affiliate is to be paid, in cents of `currency`; below nothing, what it owes. Of it, `held_back_cents`
    wait for disputes to end, `under_way_cents` have been sent and not arrived, `due_cents` can be sent now: nothing
    while there is a `held_because`."""

    currency: str
    payable_cents: int
    held_back_cents: int = 0
    under_way_cents: int = 0
    due_cents: int = 0
    held_because: str | None = None


class Journal(Keyed, Base, kw_only=True):
    """What one fact changed. `fact` names it: `payment:5:3` is what the third version of payment 5 came to,
    `payout:7` that payout 7 has left, `entry:9:1` what the provider kept of its entry 9 for itself."""

    __tablename__ = "journals"

    fact: Mapped[str]
    payment_id: Mapped[int | None]
    payout_id: Mapped[int | None] = mapped_column(default=None)
    entry_id: Mapped[int | None] = mapped_column(default=None)
    currency: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)
    postings: Mapped[list[Posting]] = relationship(default_factory=list, init=False, lazy="raise")

    @classmethod
    def about(cls, payment: Payment, changes: Balances, *, fact: str) -> Self:
        journal = cls(fact=fact, payment_id=payment.id, currency=payment.currency)
        for account, cents in changes.items():
            whose = payment.affiliate_id if account is Account.AFFILIATE_PAYABLE else None
            journal.postings.append(Posting(account=account, affiliate_id=whose, amount_cents=cents))
        return journal

    @classmethod
    def of_payout(cls, payout: "Payout") -> Self:
        """The affiliate has its money: it is owed so much less, and the provider has so much less of ours."""
        journal = cls(fact=f"payout:{payout.id}", payment_id=None, payout_id=payout.id, currency=payout.currency)
        payable, clearing = Account.AFFILIATE_PAYABLE, Account.PROVIDER_CLEARING
        journal.postings += [
            Posting(account=payable, affiliate_id=payout.affiliate_id, amount_cents=payout.amount_cents),
            Posting(account=clearing, affiliate_id=None, amount_cents=-payout.amount_cents),
        ]
        return journal

    @classmethod
    def of_reversal(cls, payout: "Payout", stripe_reversal_id: str, cents: int) -> Self:
        """So much has come back: the affiliate is owed it, or owes so much less."""
        fact = f"reversal:{stripe_reversal_id}"
        journal = cls(fact=fact, payment_id=None, payout_id=payout.id, currency=payout.currency)
        payable, clearing = Account.AFFILIATE_PAYABLE, Account.PROVIDER_CLEARING
        journal.postings += [
            Posting(account=payable, affiliate_id=payout.affiliate_id, amount_cents=-cents),
            Posting(account=clearing, affiliate_id=None, amount_cents=cents),
        ]
        return journal

    @classmethod
    def of_fee(cls, entry: "Entry", cents: int, *, number: int) -> Self:
        """The provider has kept so much more of an entry: its fee, or what was added to that later."""
        fact = f"entry:{entry.id}:{number}"
        journal = cls(fact=fact, payment_id=None, entry_id=entry.id, currency=entry.currency)
        journal.postings += [
            Posting(account=Account.PROVIDER_FEES, affiliate_id=None, amount_cents=cents),
            Posting(account=Account.PROVIDER_CLEARING, affiliate_id=None, amount_cents=-cents),
        ]
        return journal


def books_of(payment: Payment) -> dict[Account, int]:
    """What the books are to say of it: nothing before the money is here, and they always add up to nothing.

    What goes back to the customer, or is lost to their bank, comes from the affiliate, the platform and the tax office
    in the proportions of the price, to the cent: all of it back leaves nothing with anybody. What goes back twice the
    customer owes us. What a bank withholds is ours until it decides; the provider's fee for that is the platform's.
    Of what the affiliate took at the door, it owes the commission.
    """
    if payment.status is Status.PAID_ON_SITE:
        return {Account.COMMISSION: -payment.commission_cents, Account.AFFILIATE_PAYABLE: payment.commission_cents}
    taken, due, back = payment.captured_cents, payment.refunds_due_cents, payment.refunded_cents
    withheld, lost, fees = payment.withheld_cents, payment.lost_cents, payment.dispute_fees_cents
    gone = due + lost
    commission, tax, affiliate = _shares(payment, gone)
    return {
        Account.CUSTOMER_RECEIVABLE: max(gone - taken, 0),
        Account.PROVIDER_CLEARING: taken - back - withheld - lost - fees,
        Account.REFUNDS: back - due,
        Account.DISPUTES: withheld,
        Account.PROVIDER_FEES: fees,
        Account.COMMISSION: -commission,
        Account.TAX: -tax,
        Account.AFFILIATE_PAYABLE: -affiliate,
    }


def affiliate_share(payment: Payment) -> int:
    """Of a payment, what is its affiliate's by now, paid out or not; below nothing, what it owes."""
    return -books_of(payment).get(Account.AFFILIATE_PAYABLE, 0)


def held_back(payment: Payment) -> int:
    """Of what its affiliate is to be paid, what waits for banks to decide: what it loses if all open disputes are lost.

    What is paid out leaves this out: `queries.ledger.held_back_of` adds it up for an affiliate."""
    gone = payment.refunds_due_cents + payment.lost_cents
    return _shares(payment, gone)[2] - _shares(payment, gone + payment.disputed_cents)[2]


def _shares(payment: Payment, gone: int) -> tuple[int, int, int]:
    """Of platform, tax office and affiliate, when so much of what was taken is gone.

    The affiliate's is rounded once, against both others together: the more is gone, the less it has. Were each of them
    rounded for itself, a cent more that goes could give it one.
    """
    taken = payment.captured_cents
    gone = min(gone, taken)
    tax = _left(payment.tax_cents, gone, taken)
    of_others = _left(payment.tax_cents + payment.commission_cents, gone, taken)
    return of_others - tax, tax, taken - gone - of_others


def _left(part: int, due: int, taken: int) -> int:
    """Of a part of the price, what is left when `due` of `taken` goes back; half a cent stays."""
    return (part * (taken - due) * 2 + taken) // (2 * taken) if taken else 0


def step(said: Balances, payment: Payment) -> dict[Account, int]:
    """What is to be posted so that the books say what they are to say; empty if they do."""
    wanted = books_of(payment)
    changes = {account: wanted.get(account, 0) - said.get(account, 0) for account in Account}
    return {account: cents for account, cents in changes.items() if cents}


def is_rounding(changes: Balances) -> bool:
    """Whether they only say otherwise who has a cent, of those that share what is left of a payment."""
    return bool(changes) and all(of in SHARED and abs(cents) == 1 for of, cents in changes.items())
