"""What payments tells: money in and money back."""

from datetime import datetime
from typing import Annotated

from shared.contracts.personal import DataErased, DataExported
from shared.events import PERSONAL, Event
from shared.papers import Paper, PaperKind


class PaymentEvent(Event, aggregate="payment", person="customer_id"):
    """A payment as it now is. Money in cents of `currency`.

    `purpose` is what it pays: booking (what confirms it; one per booking), rest and extra (what is paid of its price
    later), fee (what a late end costs, where nothing was held), tip (for the affiliate, beside the price). `cause`
    names the fact of its booking that it answers.
    """

    payment_id: int
    booking_id: int
    customer_id: int
    affiliate_id: int
    status: str
    amount_cents: int
    commission_cents: int
    refunded_cents: int
    currency: str
    purpose: str = "booking"
    cause: str = ""


class IntentCreated(PaymentEvent, type="payments.intent_created.v1"):
    """The provider is ready to take the money."""


class PaymentCaptured(PaymentEvent, type="payments.captured.v1"):
    pass


class PaymentAuthorised(PaymentEvent, type="payments.authorised.v1"):
    """The amount is held on the customer's card, to be taken when the job is done."""


class CardSaved(PaymentEvent, type="payments.card_saved.v1"):
    """The customer has agreed that the amount is held on this card when the visit is near."""


class AuthorisationFailed(PaymentEvent, type="payments.authorisation_failed.v1"):
    """The card that was saved does not give the amount when the visit is near: the customer is to pay it by hand. The
    booking stands."""

    reason: Annotated[str, PERSONAL]


class PaymentOnSite(PaymentEvent, type="payments.on_site.v1"):
    """We take nothing: the customer is to pay the affiliate at the door."""


class PaidOnSite(PaymentEvent, type="payments.paid_on_site.v1"):
    """The job is done, so the affiliate has the money, and owes the platform its commission."""


class PaymentFailed(PaymentEvent, type="payments.failed.v1"):
    """An attempt was declined; the customer may try again, for what confirms a booking only while it is held."""

    reason: Annotated[str, PERSONAL]


class PaymentRefunded(PaymentEvent, type="payments.refunded.v1"):
    """`refund_cents` went back now; `refunded_cents` is the sum of all that did."""

    refund_cents: int


class RefundRequestEvent(Event, aggregate="refund_request", person="customer_id"):
    """A refund that staff want, as it now stands; `reason` is theirs. Of the money itself `payments.refunded` tells.

    `asked_by` and `decided_by` are administrators' user ids; nobody decided of one that needed no second person.
    """

    refund_request_id: int
    payment_id: int
    booking_id: int
    customer_id: int
    affiliate_id: int
    amount_cents: int
    currency: str
    reason: Annotated[str, PERSONAL]
    status: str
    two_persons: bool
    asked_by: int
    decided_by: int | None


class RefundRequested(RefundRequestEvent, type="payments.refund_requested.v1"):
    """More than one person may send back alone: it waits for a second."""


class RefundApproved(RefundRequestEvent, type="payments.refund_approved.v1"):
    """The money is to go back now."""


class RefundDeclined(RefundRequestEvent, type="payments.refund_declined.v1"):
    pass


class DisputeEvent(Event, aggregate="dispute"):
    """A dispute as it now is.

    `status` is inquiry while the bank only asks, needs_response until evidence is handed in (by `evidence_due_by`),
    under_review until it decides, won, lost, or closed if nothing came of it. `withdrawn_cents` is what the bank has.
    """

    dispute_id: int
    payment_id: int
    booking_id: int
    customer_id: int
    affiliate_id: int
    status: str
    reason: str
    amount_cents: int
    withdrawn_cents: int
    currency: str
    evidence_due_by: datetime | None


class PaymentDisputed(DisputeEvent, type="payments.disputed.v1"):
    """A customer's bank questions a payment, or takes it back; whatever changed of that."""


class EvidenceDue(DisputeEvent, type="payments.evidence_due.v1"):
    """Nobody has answered a bank yet, and soon it is too late: told three days before, and a day before."""


class AccountChanged(Event, aggregate="payout_account", type="payments.account_changed.v1"):
    """Whether an affiliate can be paid, as the provider says.

    `status` is pending until its owner has sent the provider's form, restricted while more is asked for, complete when
    nothing is. `payouts_enabled` says whether money goes out now, which it may while restricted.
    """

    payout_account_id: int
    affiliate_id: int
    status: str
    payouts_enabled: bool


class HoldEvent(Event, aggregate="payout_account"):
    """About payouts to an affiliate that was suspended."""

    payout_account_id: int
    affiliate_id: int


class PayoutsHeld(HoldEvent, type="payments.payouts_held.v1"):
    """None are made at present."""


class PayoutsReleased(HoldEvent, type="payments.payouts_released.v1"):
    """It was reinstated, or a person decided that they are made all the same."""


class PayoutEvent(Event, aggregate="payout"):
    """Money for an affiliate, to its account at the provider. One sum for many payments, debts set off."""

    payout_id: int
    affiliate_id: int
    amount_cents: int
    currency: str
    status: str


class PaidOut(PayoutEvent, type="payments.paid_out.v1"):
    """It is at its account."""


class PayoutRefused(PayoutEvent, type="payments.payout_refused.v1"):
    """The provider did not take it, and says why in a word (`refusal`). It is still to be paid; staff see to it."""

    refusal: str


class PayoutReversed(PayoutEvent, type="payments.payout_reversed.v1"):
    """So much of it (`back_cents`) was taken back from its account: for what went back to customers since, or by the
    provider. `reversed` once that was all of it."""

    back_cents: int


class InvoiceIssued(Event, aggregate="invoice", type="payments.invoice_issued.v1", person="customer_id"):
    """A receipt (for one payment), an invoice or a credit note was issued, as `paper` says in full; it never changes.

    It names the customer by id alone; `billed_to` has the lines that they want on it beside, if any."""

    invoice_id: int
    kind: PaperKind
    number: str
    booking_id: int
    customer_id: int
    affiliate_id: int
    payment_id: int | None
    total_cents: int
    tax_cents: int
    currency: str
    paper: Paper
    billed_to: Annotated[str, PERSONAL] = ""


class PersonalDataExported(DataExported, type="payments.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="payments.personal_data_erased.v1"):
    pass
