"""A price that a customer asked an affiliate for, and what was said about it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor
from shared.clock import now
from shared.db import Aggregate, Keyed, kept, words
from shared.errors import Conflict, NotFound, Unprocessable
from shared.pricing import MIN_PRICE_CENTS, Job, LineItem, Price, Wanted
from shared.vehicles import Condition, SizeClass

from . import Base
from .life import Party
from .offer import Offer, Sale
from .quote_life import OPEN, STANDS, QuoteStatus, QuoteStep, after_step

ONE_ACCEPTED = "uq_quotes_one_accepted"
MAX_ASKED, MAX_WISHES, MAX_PHOTOS, MAX_LINES = 5, 10, 10, 30
MAX_QUOTES = 25  # of one customer, open or asked for within the hour: five requests of five affiliates each
MAX_MESSAGES = 100  # of one side about one quote: the other side gets a mail of each
UNPRICED_FOR = timedelta(days=7)
LONGEST_VALID = timedelta(days=90)


class NoSuchQuote(NotFound):
    """There is no such quote, or it is not yours to see."""


class AskedTwice(Unprocessable):
    """Two of these tiers are of the same affiliate: ask each one once."""


class TooManyQuotes(Conflict):
    """You have as many quotes as you may, `most`, that are open or were asked for within the hour."""


class SaidEnough(Conflict):
    """You have written as much about this quote as you may, `most` messages."""


class WishNotPossible(Unprocessable):
    """A wished time lies in the past or too far ahead."""


class PriceTooLow(Unprocessable):
    """A price must be one that can be paid: `least_cents` at least."""


class NotValidSoLong(Unprocessable):
    """A price is good until a time that lies ahead, by 90 days at most."""


class Author(StrEnum):
    CUSTOMER = "customer"
    AFFILIATE = "affiliate"


class Quote(Aggregate, Base, kw_only=True):
    """What a customer asked of one affiliate, and the answer.

    Those with one `request_id` were asked together; each has its own copy of what was asked, so that it is whole by
    itself. `valid_until` is until when it can be priced, or accepted once it is.
    """

    __tablename__ = "quotes"

    request_id: Mapped[UUID]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    service_id: Mapped[int]
    tier_id: Mapped[int]
    service_name: Mapped[str]
    tier_name: Mapped[str]
    status: Mapped[QuoteStatus] = mapped_column(words(QuoteStatus), default=QuoteStatus.REQUESTED)
    size_class: Mapped[SizeClass] = mapped_column(words(SizeClass))
    condition: Mapped[Condition] = mapped_column(words(Condition))
    vehicle: Mapped[str]
    photo_urls: Mapped[list[str]] = mapped_column(ARRAY(Text))
    address: Mapped[str]
    zip: Mapped[str]
    wished_times: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    budget_cents: Mapped[int | None]
    description: Mapped[str]
    currency: Mapped[str]
    valid_until: Mapped[datetime]
    lines: Mapped[list[LineItem]] = mapped_column(kept(list[LineItem]), default_factory=list)
    price_cents: Mapped[int | None] = mapped_column(default=None)
    tax_cents: Mapped[int] = mapped_column(default=0)
    duration_minutes: Mapped[int | None] = mapped_column(default=None)
    note: Mapped[str] = mapped_column(default="")
    reason: Mapped[str | None] = mapped_column(default=None)
    booking_id: Mapped[int | None] = mapped_column(default=None)

    @classmethod
    def ask(cls, customer_id: int, offer: Offer, request_id: UUID, asked: dict[str, Any]) -> Self:
        """`asked` is what is the same for all affiliates that are asked together."""
        if any(not offer.at < wish <= offer.latest for wish in asked["wished_times"]):
            raise WishNotPossible
        tier = offer.tier
        return cls(
            request_id=request_id,
            customer_id=customer_id,
            affiliate_id=tier.affiliate_id,
            service_id=tier.service_id,
            tier_id=tier.tier_id,
            service_name=tier.service_name,
            tier_name=tier.tier_name,
            currency=offer.config.currency,
            valid_until=offer.at + UNPRICED_FOR,
            **asked,
        )

    @property
    def photos(self) -> str:
        """One text, as an event tells them: a URL on each line."""
        return "\n".join(self.photo_urls)

    @property
    def sale(self) -> Sale:
        """What its booking is made of: nothing but what was agreed."""
        job = Job(vehicles=[Wanted(size_class=self.size_class, condition=self.condition)])
        return Sale(job, None, Price(lines=self.lines, duration_minutes=self.duration_minutes or 0))

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.customer_id == self.customer_id or actor.works_for(self.affiliate_id) or actor.is_staff

    def party(self, actor: Actor) -> Party | None:
        if actor.customer_id == self.customer_id:
            return Party.CUSTOMER
        return Party.LEADERS if actor.runs(self.affiliate_id) else None

    def author(self, actor: Actor) -> Author | None:
        """For which side somebody speaks: all who work for the affiliate do for it, the platform's people for none."""
        if actor.customer_id == self.customer_id:
            return Author.CUSTOMER
        return Author.AFFILIATE if actor.works_for(self.affiliate_id) else None

    def stands(self, at: datetime) -> QuoteStatus:
        """Its state, whether or not the job that says so has come to it."""
        return QuoteStatus.EXPIRED if self.status in OPEN and self.valid_until <= at else self.status

    def is_open(self, at: datetime) -> bool:
        return self.stands(at) in OPEN

    def must_be_spoken_of(self, at: datetime) -> None:
        """Refused by the name of its end: then there is nothing left to say."""
        if (status := self.stands(at)) not in (*OPEN, QuoteStatus.ACCEPTED):
            raise STANDS[status](quote_status=status)

    def must_lead_on(self, step: QuoteStep, by: Actor, at: datetime) -> QuoteStatus:
        return after_step(step, self.stands(at), self.party(by))

    def price(self, by: Actor, price: Price, offer: Offer, valid_until: datetime, note: str) -> None:
        """Name a price, or another in its place."""
        status = self.must_lead_on(QuoteStep.PRICE, by, offer.at)
        if price.total_cents < MIN_PRICE_CENTS:
            raise PriceTooLow(least_cents=MIN_PRICE_CENTS)
        if not offer.at < valid_until <= offer.at + LONGEST_VALID:
            raise NotValidSoLong
        self.lines, self.price_cents, self.tax_cents = price.lines, price.total_cents, price.tax_cents
        self.duration_minutes, self.currency = price.duration_minutes, offer.config.currency
        self.valid_until, self.note = valid_until, note
        self._become(status)

    def decline(self, by: Actor, reason: str, at: datetime) -> None:
        self.reason = reason
        self._become(self.must_lead_on(QuoteStep.DECLINE, by, at))

    def withdraw(self, by: Actor, reason: str, at: datetime) -> None:
        self.reason = reason
        self._become(self.must_lead_on(QuoteStep.WITHDRAW, by, at))

    def accept(self, by: Actor, booking_id: int, at: datetime) -> None:
        self.booking_id = booking_id
        self._become(self.must_lead_on(QuoteStep.ACCEPT, by, at))

    def take_back(self) -> None:
        """Its customer is erased."""
        self._take(QuoteStep.WITHDRAW)

    def close(self) -> None:
        self._take(QuoteStep.CLOSE)

    def expire(self) -> None:
        self.booking_id = None
        self._take(QuoteStep.EXPIRE)

    def reopen(self, at: datetime) -> None:
        """Its booking came to nothing: it can be accepted again, if there is still time for that."""
        self.booking_id = None
        self._take(QuoteStep.REOPEN if at < self.valid_until else QuoteStep.EXPIRE)

    def settle(self, booking_id: int) -> None:
        self.booking_id = booking_id
        self._take(QuoteStep.SETTLE)

    def _take(self, step: QuoteStep) -> None:
        self._become(after_step(step, self.status, Party.PLATFORM))

    def _become(self, status: QuoteStatus) -> None:
        self.status = status
        self.version += 1


class QuoteMessage(Keyed, Base, kw_only=True):
    """Something that one side said to the other; never changed."""

    __tablename__ = "quote_messages"

    quote_id: Mapped[int] = mapped_column(ForeignKey("quotes.id"))
    customer_id: Mapped[int]
    author: Mapped[Author] = mapped_column(words(Author))
    author_user_id: Mapped[int | None]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now, server_default=func.now())
