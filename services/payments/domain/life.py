"""What a payment is for, what its intent does, and the states of its life."""

from enum import StrEnum


class Purpose(StrEnum):
    """What a payment pays; only `tip` is no part of the booking's price. `fee`: what a late end costs instead of it,
    where nothing was held that it could be taken of."""

    BOOKING = "booking"
    REST = "rest"
    EXTRA = "extra"
    TIP = "tip"
    FEE = "fee"


class IntentKind(StrEnum):
    """What happens when its customer agrees: the money is taken, it is held on the card until the job is done, or the
    card is saved, to be held on when the visit is near."""

    CHARGE = "charge"
    HOLD = "hold"
    SETUP = "setup"


class Status(StrEnum):
    PENDING = "pending"
    REQUIRES_PAYMENT = "requires_payment"
    CARD_SAVED = "card_saved"
    AUTHORISED = "authorised"
    RELEASING = "releasing"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    REFUNDED = "refunded"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    ON_SITE = "on_site"
    PAID_ON_SITE = "paid_on_site"


TAKEN = (Status.CAPTURED, Status.REFUNDED)
ON_HOLD = (Status.AUTHORISED, Status.RELEASING)
# Agreed by the customer, and nothing taken: what becomes of it says booking.
PROMISED = (Status.CARD_SAVED, *ON_HOLD)
CAN_BE_CALLED_OFF = {
    Status.PENDING: Status.CANCELLING,
    Status.REQUIRES_PAYMENT: Status.CANCELLING,
    Status.CARD_SAVED: Status.CANCELLED,
    Status.AUTHORISED: Status.CANCELLING,
    Status.RELEASING: Status.CANCELLING,
    Status.FAILED: Status.CANCELLED,
    Status.ON_SITE: Status.CANCELLED,
}
