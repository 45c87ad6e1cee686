"""What payments does when others tell it something."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers
from shared.contracts.booking import (
    BookingCancelled,
    BookingChargeCalledOff,
    BookingChargeDue,
    BookingCompleted,
    BookingExpired,
    BookingHeld,
    BookingNoShow,
    BookingRefundDue,
    BookingRescheduled,
)
from shared.contracts.catalog import AFFILIATE_EVENTS, AffiliateEvent
from shared.contracts.payments import PaymentCaptured, PaymentDisputed, PaymentEvent, PaymentRefunded

from .commands import accounts, endings, holds, intents, invoices, refunds, tips
from .personal import personal

consumers = Consumers("payments")
personal.join(consumers)


@consumers.on(BookingHeld)
async def prepare_payment(event: BookingHeld, session: AsyncSession) -> None:
    await intents.prepare(session, event)


@consumers.on(BookingChargeDue)
async def prepare_extra_payment(event: BookingChargeDue, session: AsyncSession) -> None:
    await intents.prepare_extra(session, event)


@consumers.on(BookingChargeCalledOff)
async def call_off_extra_payments(event: BookingChargeCalledOff, session: AsyncSession) -> None:
    await intents.call_off_extras(session, event)


@consumers.on(BookingCompleted)
async def note_completion(event: BookingCompleted, session: AsyncSession) -> None:
    """From now on it can be tipped; what was to be paid at the door is, what is held on a card is taken, and what a
    deposit left is charged."""
    await endings.complete(session, event)


@consumers.on(BookingCancelled, BookingExpired, BookingNoShow)
async def call_off_payment(event: BookingCancelled | BookingExpired | BookingNoShow, session: AsyncSession) -> None:
    await endings.call_off(session, event)


@consumers.on(BookingRescheduled)
async def note_move(event: BookingRescheduled, session: AsyncSession) -> None:
    await holds.note_move(session, event)


@consumers.on(BookingCancelled, BookingNoShow, BookingRefundDue)
async def refund_payment(event: BookingCancelled | BookingNoShow | BookingRefundDue, session: AsyncSession) -> None:
    await refunds.refund_booking(session, event)


@consumers.on(PaymentCaptured)
async def keep_one_tip(event: PaymentCaptured, session: AsyncSession) -> None:
    await tips.keep_one(session, event)


@consumers.on(BookingCompleted, BookingCancelled, BookingNoShow)
async def bill_booking(event: BookingCompleted | BookingCancelled | BookingNoShow, session: AsyncSession) -> None:
    """The job, or the fee that was kept."""
    await invoices.bill(session, event)


@consumers.on(PaymentCaptured, PaymentRefunded, PaymentDisputed)
async def issue_papers(event: PaymentEvent | PaymentDisputed, session: AsyncSession) -> None:
    """Of our own money, whichever way it came or went: a receipt, a credit note, also of what a bank has for good."""
    invoices.want_papers(session, event.booking_id)


@consumers.on(*AFFILIATE_EVENTS)
async def keep_seller(event: AffiliateEvent, session: AsyncSession) -> None:
    """By its name it stands on invoices."""
    await invoices.keep_seller(session, event)


@consumers.on(*AFFILIATE_EVENTS)
async def prepare_payout_account(event: AffiliateEvent, session: AsyncSession) -> None:
    await accounts.prepare(session, event)
