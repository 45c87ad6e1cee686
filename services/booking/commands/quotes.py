"""What becomes of a quote."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingExpired,
    QuoteAccepted,
    QuoteClosed,
    QuoteDeclined,
    QuoteExpired,
    QuoteMessageSent,
    QuotePriced,
    QuoteReopened,
    QuoteRequested,
    QuoteWithdrawn,
)
from shared.db import enforced_by
from shared.ids import new_id
from shared.outbox import record
from shared.places import place_of
from shared.platform_config import Feature
from shared.pricing import taxed

from ..domain.booking import Booking
from ..domain.life import Status
from ..domain.offer import Offer, Visit
from ..domain.quote import (
    MAX_MESSAGES,
    MAX_QUOTES,
    ONE_ACCEPTED,
    AskedTwice,
    Quote,
    QuoteMessage,
    SaidEnough,
    TooManyQuotes,
)
from ..domain.quote_life import QUOTE_TRANSITIONS, AnotherWasAccepted, NotYourStep, QuoteStatus, QuoteStep
from ..queries.bookings import get_booking
from ..queries.offers import get_offer
from ..queries.quotes import (
    lock_offers_to_ask,
    lock_quote,
    lock_request,
    messages_by,
    open_quotes_of,
    quote_for,
    quote_to_change,
)
from ..schemas.quotes import AcceptRequest, MessageRequest, QuotePriceRequest, QuoteRequest
from .holding import expire_now, hold_slot, lock_offer


async def request_quotes(session: AsyncSession, actor: Actor, wanted: QuoteRequest) -> Sequence[Quote]:
    """Ask several affiliates at once, each for a quote of its own."""
    assert actor.customer_id is not None
    offers, already = await lock_offers_to_ask(session, wanted.tier_ids, actor.customer_id)
    if len({offer.tier.affiliate_id for offer in offers}) < len(offers):
        raise AskedTwice
    for offer in offers:
        _must_be_asked(offer, wanted.zip)
    if already + len(offers) > MAX_QUOTES:
        raise TooManyQuotes(most=MAX_QUOTES)
    request_id = new_id()
    quotes = [Quote.ask(actor.customer_id, offer, request_id, wanted.asked) for offer in offers]
    session.add_all(quotes)
    await session.flush()
    for quote in quotes:
        record(session, QuoteRequested.of(quote))
    return quotes


def _must_be_asked(offer: Offer, zip: str) -> None:
    offer.config.must_be_on(Feature.QUOTES)
    offer.must_be_bookable()
    offer.affiliate.must_come_to(place_of(zip))


async def price_quote(
    session: AsyncSession, actor: Actor, quote_id: int, version: int | None, wanted: QuotePriceRequest
) -> Quote:
    """The tax is the price list's, and not the affiliate's to type."""
    quote, at = await quote_to_change(session, actor, quote_id, version)
    quote.must_lead_on(QuoteStep.PRICE, actor, at)
    offer = await get_offer(session, quote.tier_id)
    offer.must_be_bookable()
    price = taxed(wanted.items, offer.rules, wanted.duration_minutes)
    quote.price(actor, price, offer, wanted.valid_until, wanted.note)
    record(session, QuotePriced.of(quote))
    return quote


async def decline_quote(session: AsyncSession, actor: Actor, quote_id: int, version: int | None, reason: str) -> Quote:
    quote, at = await quote_to_change(session, actor, quote_id, version)
    quote.decline(actor, reason, at)
    record(session, QuoteDeclined.of(quote))
    return quote


async def withdraw_quote(session: AsyncSession, actor: Actor, quote_id: int, version: int | None, reason: str) -> Quote:
    quote, at = await quote_to_change(session, actor, quote_id, version)
    quote.withdraw(actor, reason, at)
    record(session, QuoteWithdrawn.of(quote))
    return quote


async def accept_quote(
    session: AsyncSession, actor: Actor, quote_id: int, version: int | None, wanted: AcceptRequest
) -> Booking:
    """Hold a slot at the quote's price, as any slot is held, and close the other quotes of its request."""
    assert actor.customer_id is not None
    seen, _ = await quote_for(session, actor, quote_id)
    offer, holds = await lock_offer(session, seen.tier_id, actor.customer_id)
    quotes, at = await lock_request(session, seen.request_id)
    quote = next(one for one in quotes if one.id == quote_id)
    quote.expect(version)
    await _let_go_of_what_ran_out(session, quote, offer)
    quote.must_lead_on(QuoteStep.ACCEPT, actor, at)
    visit = Visit(wanted.starts_at.astimezone(UTC), quote.address, quote.zip, quote.id, vehicle=quote.vehicle)
    booking = await hold_slot(session, actor.customer_id, offer, holds, quote.sale, visit)
    quote.accept(actor, booking.id, at)
    record(session, QuoteAccepted.of(quote))
    for other in quotes:
        if other.is_open(at):
            other.close()
            record(session, QuoteClosed.of(other))
    with enforced_by(ONE_ACCEPTED, AnotherWasAccepted):
        await session.flush()
    return booking


async def _let_go_of_what_ran_out(session: AsyncSession, quote: Quote, offer: Offer) -> None:
    """Its hold may be over though nobody has said so: then the quote can be accepted anew."""
    if quote.booking_id is not None:
        await expire_now(session, [quote.booking_id])
        if (await get_booking(session, quote.booking_id)).status is Status.EXPIRED:
            _reopen(session, quote, offer.at)


async def reopen_quote(session: AsyncSession, told: BookingExpired | BookingCancelled) -> None:
    """The booking ended unpaid, or the money came too late for it: the quote is open again while there is time.

    Early it cannot come; twice, and once the quote has another booking, it changes nothing. Late, after the money has
    come and the booking stands after all, neither.
    """
    if told.quote_id is None or not await _came_to_nothing(session, told):
        return
    quote, at = await lock_quote(session, told.quote_id)
    if quote.status is QuoteStatus.ACCEPTED and quote.booking_id == told.booking_id:
        _reopen(session, quote, at)


async def _came_to_nothing(session: AsyncSession, told: BookingExpired | BookingCancelled) -> bool:
    if isinstance(told, BookingCancelled):
        return not told.paid_cents or told.cancelled_by == "platform"
    return (await get_booking(session, told.booking_id)).status is Status.EXPIRED


def _reopen(session: AsyncSession, quote: Quote, at: datetime) -> None:
    quote.reopen(at)
    record(session, (QuoteReopened if quote.status is QuoteStatus.PRICED else QuoteExpired).of(quote))


async def settle_quote(session: AsyncSession, told: BookingConfirmed) -> None:
    """Paid after its hold had ended, the booking stands, and so does the quote. Mostly it never was anything else."""
    if told.quote_id is None:
        return
    quote, _ = await lock_quote(session, told.quote_id)
    booking = await get_booking(session, told.booking_id)
    if quote.status in QUOTE_TRANSITIONS[QuoteStep.SETTLE].leads_from and booking.status is not Status.CANCELLED:
        quote.settle(booking.id)
        record(session, QuoteAccepted.of(quote))


async def withdraw_all(session: AsyncSession, customer_id: int) -> None:
    """Of a customer who is being erased."""
    for quote in await open_quotes_of(session, customer_id):
        quote.take_back()
        record(session, QuoteWithdrawn.of(quote))
    await session.flush()


def expire_quotes(session: AsyncSession, quotes: Sequence[Quote]) -> None:
    for quote in quotes:
        quote.expire()
        record(session, QuoteExpired.of(quote))


async def write_message(session: AsyncSession, actor: Actor, quote_id: int, wanted: MessageRequest) -> QuoteMessage:
    """To the other side."""
    quote, at = await quote_for(session, actor, quote_id)
    author = quote.author(actor)
    if author is None:
        raise NotYourStep
    quote.must_be_spoken_of(at)
    if await messages_by(session, quote, author) >= MAX_MESSAGES:
        raise SaidEnough(most=MAX_MESSAGES)
    message = QuoteMessage(
        quote_id=quote.id,
        customer_id=quote.customer_id,
        author=author,
        author_user_id=actor.user_id,
        body=wanted.body,
    )
    session.add(message)
    await session.flush()
    about = {"affiliate_id": quote.affiliate_id, "service_name": quote.service_name}
    record(session, QuoteMessageSent.of(message, version=1, **about))
    return message
