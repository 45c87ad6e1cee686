"""A payment and its life."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor
from shared.clock import now
from shared.db import words
from shared.errors import Conflict, NotFound

from . import Base
from .dispute import DisputedSums
from .hold import Holdable
from .life import TAKEN, IntentKind, Purpose, Status
from .provider import Decline, Intent

REFUNDS_WITHIN_CAPTURED = "ck_payments_refunds"


class NoSuchPayment(NotFound):
    """There is no such payment, not yet, or it is not yours to see."""


class OverRefund(Conflict):
    """More would go back than was taken."""


class InDispute(Conflict):
    """The customer's bank wants so much of this payment, or has it, that this cannot go back too."""


class NotYetCaptured(Exception):
    """A refund of money that we do not know to have taken: not final, the news may be on its way."""


class Payment(Holdable, Base, kw_only=True):
    """Money for a booking, in cents of `currency`. It has one for each `cause`, the fact that it answers.

    `refunds_due_cents` is what goes or went back, `refunded_cents` what the provider has confirmed of it. Of what banks
    want, `disputed_cents` is not decided yet, `withheld_cents` is what they have taken of that for now, `lost_cents` is
    theirs for good: no decision of ours, so it may be more than is left. `attention` says what a person must look at.
    Of what is its affiliate's, `paid_out_cents` have gone there; nothing of it is to be settled as long as it stands at
    `paid_out_version`. A `surplus` tip was paid after another one and goes back. What is intended here is the
    provider's payment intent.
    """

    __tablename__ = "payments"
    operation = "create_intent"

    booking_id: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    currency: Mapped[str]
    purpose: Mapped[Purpose] = mapped_column(words(Purpose), default=Purpose.BOOKING)
    cause: Mapped[str] = mapped_column(default="")
    rest_cents: Mapped[int] = mapped_column(default=0)
    rest_commission_cents: Mapped[int] = mapped_column(default=0)
    rest_tax_cents: Mapped[int] = mapped_column(default=0)
    captured_cents: Mapped[int] = mapped_column(default=0)
    refunds_due_cents: Mapped[int] = mapped_column(default=0)
    refunded_cents: Mapped[int] = mapped_column(default=0)
    disputed_cents: Mapped[int] = mapped_column(default=0)
    withheld_cents: Mapped[int] = mapped_column(default=0)
    lost_cents: Mapped[int] = mapped_column(default=0)
    dispute_fees_cents: Mapped[int] = mapped_column(default=0)
    keeps_card: Mapped[bool] = mapped_column(default=False)
    attention: Mapped[str | None] = mapped_column(default=None)
    checked_at: Mapped[datetime] = mapped_column(default_factory=now)
    captured_at: Mapped[datetime | None] = mapped_column(default=None)
    paid_out_cents: Mapped[int] = mapped_column(default=0)
    paid_out_version: Mapped[int | None] = mapped_column(default=None)
    surplus: Mapped[bool] = mapped_column(default=False)

    @property
    def saves_card(self) -> bool:
        """What is left of a deposit is charged to the same card; so is what is held on it anew."""
        return self.rest_cents > 0 or self.intent_kind is not IntentKind.CHARGE

    @property
    def answered_version(self) -> int:
        """Of an extra payment: that of its booking which asked for it."""
        return int(self.cause.rsplit(":", 1)[1])

    def may_be_seen_by(self, actor: Actor) -> bool:
        return self.is_of(actor) or actor.runs(self.affiliate_id) or actor.is_staff

    def is_of(self, actor: Actor) -> bool:
        return actor.customer_id == self.customer_id

    def fail(self, reason: str) -> bool:
        """The provider will not make an intent for this. Says whether that is news to anybody."""
        wanted = self.status is Status.PENDING
        self.decline_reason = reason
        self._become(Status.FAILED if wanted else Status.CANCELLED)
        return wanted

    def mismatch(self, intent: Intent) -> str | None:
        """What is wrong with the sum that the provider took, or holds, if anything is."""
        cents, does = (intent.held_cents, "holds") if intent.is_held else (intent.received_cents, "took")
        if (cents, intent.currency) == (self.amount_cents, self.currency):
            return None
        wanted, got = f"{self.amount_cents} {self.currency}", f"{cents} {intent.currency}"
        return f"The provider {does} {got} instead of {wanted}."

    def capture(self, intent: Intent) -> bool:
        """The money is here. It counts in whatever state it finds us; says whether it was news."""
        if self.status in TAKEN:
            return False
        self.captured_cents, self.captured_at = intent.received_cents, now()
        self._note_card(intent.payment_method)
        self.declined_attempt = self.decline_reason = self.attention = None
        self._become(Status.CAPTURED)
        return True

    def decline(self, decline: Decline) -> bool:
        """An attempt was turned down; another may follow. Says whether it was news."""
        if self.status is not Status.REQUIRES_PAYMENT or self.declined_attempt == decline.attempt:
            return False
        self.declined_attempt, self.decline_reason = decline.attempt, decline.reason
        self._become(self.status)
        return True

    def pay_on_site(self) -> bool:
        """The job is done, so the affiliate has the money; says whether it was to take it."""
        if self.status is not Status.ON_SITE:
            return False
        self._become(Status.PAID_ON_SITE)
        return True

    def close(self) -> bool:
        """The provider's intent was cancelled: no money can come any more. Says whether it was news."""
        if self.status in (*TAKEN, Status.CANCELLED):
            return False
        self._become(Status.CANCELLED)
        return True

    @property
    def refundable_cents(self) -> int:
        """What is left: neither going back already, nor with a bank or wanted by one."""
        gone = self.refunds_due_cents + self.disputed_cents + self.lost_cents
        return max(self.captured_cents - gone, 0)

    def must_cover(self, cents: int) -> None:
        """`OverRefund` if that is more than is left of what was taken, `InDispute` if a bank has it or wants it."""
        if cents > self.captured_cents - self.refunds_due_cents:
            raise OverRefund(captured_cents=self.captured_cents, refunds_due_cents=self.refunds_due_cents)
        if cents > self.refundable_cents:
            raise InDispute(disputed_cents=self.disputed_cents, lost_cents=self.lost_cents)

    def owe(self, cents: int) -> None:
        """So much is to go back, of what is left."""
        if self.status not in TAKEN:
            raise NotYetCaptured(f"payment {self.id} is {self.status}")
        self.must_cover(cents)
        self.refunds_due_cents += cents
        self._become(self.status)

    def repay(self, cents: int) -> None:
        """So much of what is owed has gone back."""
        self.refunded_cents += cents
        whole = self.refunded_cents == self.captured_cents
        self._become(Status.REFUNDED if whole else self.status)

    def keep(self, cents: int) -> None:
        """So much of what is owed could not be sent back: it is ours to send again, by a person's decision."""
        self.refunds_due_cents -= cents
        self._become(self.status)

    @property
    def disputed_sums(self) -> DisputedSums:
        return DisputedSums(self.disputed_cents, self.withheld_cents, self.lost_cents, self.dispute_fees_cents)

    def count_disputes(self, sums: DisputedSums) -> bool:
        """What all of its disputes come to by now; says whether that changed anything."""
        if sums == self.disputed_sums:
            return False
        self.disputed_cents, self.withheld_cents = sums.disputed_cents, sums.withheld_cents
        self.lost_cents, self.dispute_fees_cents = sums.lost_cents, sums.fee_cents
        self._become(self.status)
        return True

    @property
    def claimed_too_much(self) -> bool:
        """More goes back, was lost or may be lost than was taken: the customer may have the same money twice."""
        return self.refunds_due_cents + self.disputed_cents + self.lost_cents > self.captured_cents

    def call_attention(self, why: str) -> bool:
        """Something does not add up and a person must look; says whether it was news. What was said before stays."""
        known = self.attention or ""
        if why in known:
            return False
        self.attention = f"{known} {why}".strip()
        return True
