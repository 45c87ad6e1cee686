"""Quotes, who may see them, and the locks under which they change.

Whoever needs more than one kind of lock takes them in this order: the affiliate's schedule, the customer, the quotes of
a request by their ids, bookings. Whoever only changes a quote locks that row and nothing else; so nobody waits in a
circle, and two quotes of one request are accepted one after the other, under their customer's lock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, any_, bindparam, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.booking import CustomerGone
from ..domain.offer import NoSuchOffer, Offer, Tier
from ..domain.quote import Author, NoSuchQuote, Quote, QuoteMessage
from ..domain.quote_life import OPEN, QuoteStatus
from .bookings import lock_customer
from .offers import IS_ERASED, OFFERS

AT = func.clock_timestamp()
IS_OPEN = and_(Quote.status.in_(OPEN), Quote.valid_until > AT)
IS_OVER = and_(Quote.status.in_(OPEN), Quote.valid_until <= AT)
LOCKED = select(Quote, AT).with_for_update(of=Quote).order_by(Quote.id).execution_options(populate_existing=True)
ONE_LOCKED = LOCKED.where(Quote.id == bindparam("quote_id"))
REQUEST_LOCKED = LOCKED.where(Quote.request_id == bindparam("request_id"))
COUNTS = or_(IS_OPEN, Quote.created_at > AT - timedelta(hours=1))
QUOTES_NOW = select(func.count()).where(Quote.customer_id == bindparam("customer_id"), COUNTS).scalar_subquery()
OFFERS_TO_ASK = OFFERS.add_columns(QUOTES_NOW, IS_ERASED).where(
    Tier.tier_id == any_(bindparam("tier_ids", type_=ARRAY(Tier.tier_id.type)))
)


async def lock_offers_to_ask(
    session: AsyncSession, tier_ids: Sequence[int], customer_id: int
) -> tuple[list[Offer], int]:
    """What is offered, in the order asked for, and how many quotes of the customer count, with the customer locked."""
    await lock_customer(session, customer_id)
    asked = {"tier_ids": list(tier_ids), "customer_id": customer_id}
    rows = {row[0].tier_id: row for row in await session.execute(OFFERS_TO_ASK, asked)}
    if set(tier_ids) - set(rows):
        raise NoSuchOffer
    *_, quotes, erased = rows[tier_ids[0]]
    if erased:
        raise CustomerGone
    return [Offer(*rows[tier_id][:-2]) for tier_id in tier_ids], quotes


async def quote_for(session: AsyncSession, actor: Actor, quote_id: int) -> tuple[Quote, datetime]:
    """A quote that this actor may see, and the database's time."""
    row = (await session.execute(select(Quote, AT).where(Quote.id == quote_id))).one_or_none()
    if row is None or not row[0].may_be_seen_by(actor):
        raise NoSuchQuote
    return row[0], row[1]


async def lock_quote(session: AsyncSession, quote_id: int) -> tuple[Quote, datetime]:
    row = (await session.execute(ONE_LOCKED, {"quote_id": quote_id})).one_or_none()
    if row is None:
        raise NoSuchQuote
    return row[0], row[1]


async def quote_to_change(
    session: AsyncSession, actor: Actor, quote_id: int, version: int | None
) -> tuple[Quote, datetime]:
    """The same, locked, in the version that was seen."""
    quote, at = await lock_quote(session, quote_id)
    if not quote.may_be_seen_by(actor):
        raise NoSuchQuote
    quote.expect(version)
    return quote, at


async def lock_request(session: AsyncSession, request_id: UUID) -> tuple[Sequence[Quote], datetime]:
    """All quotes that were asked for together."""
    rows = (await session.execute(REQUEST_LOCKED, {"request_id": request_id})).all()
    return [quote for quote, _ in rows], rows[0][1]


async def quotes_of(
    session: AsyncSession, actor: Actor, page: Page, status: QuoteStatus | None, request_id: UUID | None
) -> Paged[Quote]:
    statement = select(Quote)
    if not actor.is_staff:
        theirs = Quote.affiliate_id.in_(actor.affiliates)
        statement = statement.where(or_(Quote.customer_id == actor.customer_id, theirs))
    if status is not None:
        statement = statement.where(Quote.status == status)
    if request_id is not None:
        statement = statement.where(Quote.request_id == request_id)
    return await page.of(session, statement, Quote.created_at, Quote.id, descending=True)


async def messages_of(session: AsyncSession, quote: Quote, page: Page) -> Paged[QuoteMessage]:
    statement = select(QuoteMessage).where(QuoteMessage.quote_id == quote.id)
    return await page.of(session, statement, QuoteMessage.created_at, QuoteMessage.id)


async def messages_by(session: AsyncSession, quote: Quote, author: Author) -> int:
    said = select(func.count()).where(QuoteMessage.quote_id == quote.id, QuoteMessage.author == author)
    return await session.scalar(said) or 0


async def quotes_past_their_time(session: AsyncSession, *, limit: int) -> Sequence[Quote]:
    statement = select(Quote).where(IS_OVER).order_by(Quote.valid_until).limit(limit)
    return (await session.scalars(statement.with_for_update(skip_locked=True))).all()


async def open_quotes_of(session: AsyncSession, customer_id: int) -> Sequence[Quote]:
    """Locked, those whose time is over included."""
    statement = select(Quote).where(Quote.customer_id == customer_id, Quote.status.in_(OPEN)).order_by(Quote.id)
    return (await session.scalars(statement.with_for_update())).all()


async def accepted_anew(session: AsyncSession, quote_id: int | None, booking_id: int) -> bool:
    """Whether the quote that a booking was made of has another one by now. Asked under the affiliate's lock."""
    if quote_id is None:
        return False
    other = exists().where(Quote.id == quote_id, Quote.booking_id.is_not(None), Quote.booking_id != booking_id)
    return bool(await session.scalar(select(other)))
