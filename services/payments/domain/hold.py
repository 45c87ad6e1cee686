"""Money that is authorised now and taken when the job is done.

A hold on a card lives some days, as the provider says (`capture_before`). For a visit further ahead the card is saved
first, and held on when the visit is near; so it is again for one that moves away from its hold, or is not done when
that ends.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.contracts.booking import BookingEvent
from shared.db import Aggregate, Keyed, words
from shared.terms import PaymentMode

from . import Base
from .booking import part_of
from .intention import Intention
from .life import CAN_BE_CALLED_OFF, ON_HOLD, IntentKind, Status
from .provider import Intent, SavedCard, Setup

# How long a hold that its customer agrees to is expected to live: it only decides what they are asked for, to authorise
# or to save. How long it does live is asked.
EXPECTED = timedelta(days=7)
SPARE = timedelta(days=1)  # that much longer than until the end of the visit
LEAD = timedelta(days=2)  # before the visit a saved card is held on
LAPSES_SOON = timedelta(hours=6)
GIVEN_UP = timedelta(days=14)  # after its end a visit that nobody calls done keeps no money back any more


def must_wait(visit_end: datetime, at: datetime) -> bool:
    """Whether a hold of today would not last until the visit is over."""
    return visit_end + SPARE > at + EXPECTED


def agreed_by(booking: BookingEvent, at: datetime) -> dict[str, Any]:
    """The columns of its first payment that say what its customer is asked to agree to."""
    if booking.payment_mode != PaymentMode.AUTHORISE or not booking.price_cents:
        return {}
    kind = IntentKind.SETUP if must_wait(booking.appointment_end, at) else IntentKind.HOLD
    return {"intent_kind": kind, "visit_start": booking.appointment_start, "visit_end": booking.appointment_end}


class FormerIntent(Keyed, Base, kw_only=True):
    """An intent that a payment had before, let go without money: so that late news of it is known for what it is."""

    __tablename__ = "former_intents"

    payment_id: Mapped[int]
    stripe_payment_intent_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)


class Holdable(Intention, Aggregate, kw_only=True):
    """The part of a payment that is about how it is agreed to. `payment_method` names the card, as far as known; `{}`
    is one that was erased."""

    amount_cents: Mapped[int]
    commission_cents: Mapped[int]
    tax_cents: Mapped[int]
    status: Mapped[Status] = mapped_column(words(Status), default=Status.PENDING)
    intent_kind: Mapped[IntentKind] = mapped_column(words(IntentKind), default=IntentKind.CHARGE)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(default=None)
    stripe_setup_intent_id: Mapped[str | None] = mapped_column(default=None)
    client_secret: Mapped[str | None] = mapped_column(default=None)
    payment_method: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    declined_attempt: Mapped[str | None] = mapped_column(default=None)
    decline_reason: Mapped[str | None] = mapped_column(default=None)
    capture_before: Mapped[datetime | None] = mapped_column(default=None)
    visit_start: Mapped[datetime | None] = mapped_column(default=None)
    visit_end: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def is_promised(self) -> bool:
        """Its customer has agreed to it already, so the booking stands whatever the card says next."""
        return self.intent_kind is IntentKind.HOLD and self.payment_method is not None

    @property
    def saved_card(self) -> SavedCard | None:
        """None also after it was erased."""
        kept = self.payment_method or {}
        return SavedCard(kept["customer"], kept["id"]) if kept.get("customer") and kept.get("id") else None

    @property
    def awaits_intent(self) -> bool:
        known = self.stripe_setup_intent_id if self.intent_kind is IntentKind.SETUP else self.stripe_payment_intent_id
        return known is None and self.status in (Status.PENDING, Status.CANCELLING)

    def take_setup(self, setup: Setup) -> bool:
        """The provider is ready to save a card. Says whether its customer can agree now."""
        self.stripe_setup_intent_id, self.client_secret = setup.id, setup.client_secret
        return self._open()

    def take_intent(self, intent: Intent) -> bool:
        """The provider is ready. Says whether the customer can pay now: not if the booking has gone meanwhile."""
        self.stripe_payment_intent_id, self.client_secret = intent.id, intent.client_secret
        return self._open()

    def _open(self) -> bool:
        payable = self.status is Status.PENDING
        self._become(Status.REQUIRES_PAYMENT if payable else self.status)
        return payable

    def save_card(self, card: SavedCard) -> bool:
        """It can be held on later; says whether it was news."""
        if self.status is not Status.REQUIRES_PAYMENT:
            return False
        self._note_card({"id": card.method_id, "customer": card.customer_id, "charge": None})
        self.client_secret = self.declined_attempt = self.decline_reason = None
        self._become(Status.CARD_SAVED)
        return True

    def authorise(self, intent: Intent) -> bool:
        """The money is held; says whether it was news."""
        if self.status is not Status.REQUIRES_PAYMENT:
            return False
        self._note_card(intent.payment_method)
        self.capture_before = intent.capture_before
        self.declined_attempt = self.decline_reason = None
        self._become(Status.AUTHORISED)
        return True

    def _note_card(self, told: dict[str, Any] | None) -> None:
        if self.payment_method != {}:  # else it was erased
            self.payment_method = told

    def begin_hold(self) -> None:
        """The visit is near: an intent of its own is wanted, which nothing was asked for yet."""
        self._intend_anew()
        self.intent_kind = IntentKind.HOLD
        self._become(Status.PENDING)

    def release(self) -> None:
        """The hold is of no use; the card stays saved."""
        self._become(Status.RELEASING)

    def let_go(self) -> FormerIntent:
        """The hold has ended, and nothing was taken."""
        former = FormerIntent(payment_id=self.id, stripe_payment_intent_id=self.stripe_payment_intent_id or "")
        self.stripe_payment_intent_id = self.client_secret = self.capture_before = None
        self._intend_anew()  # what the provider tells of the former names the reference that it had
        self._become(Status.CARD_SAVED)
        return former

    def _intend_anew(self) -> None:
        for name, value in self.intended().items():
            setattr(self, name, value)
        self.attempt, self.requested_at = 1, now()

    def collect(self, cents: int) -> bool:
        """So much of what is held is wanted now, and the rest is let go; says whether anything is held."""
        if self.status not in ON_HOLD:
            return False
        whole, self.amount_cents = self.amount_cents, min(cents, self.amount_cents)
        self.commission_cents = part_of(self.commission_cents, self.amount_cents, whole)
        self.tax_cents = part_of(self.tax_cents, self.amount_cents, whole)
        self._become(Status.CAPTURING)
        return True

    def call_off(self) -> bool:
        """The booking is gone: no money is wanted any more. Says whether that changed anything."""
        if self.status not in CAN_BE_CALLED_OFF:
            return False
        self._become(CAN_BE_CALLED_OFF[self.status])
        return True

    def _become(self, status: Status) -> None:
        self.status = status
        self.version += 1
