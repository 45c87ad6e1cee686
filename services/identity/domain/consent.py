"""Whether a customer wants to hear of offers, by which channel, and when they said so."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Aggregate, Keyed, words
from shared.errors import Unprocessable

from . import Base


class WordingMissing(Unprocessable):
    """Say to which words consent was given: `wording` names the version of the text that was shown."""


class MarketingChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class ConsentChange(Keyed, Base, kw_only=True):
    """What was said once; it is never changed. `wording` is the version of the text that was agreed to."""

    __tablename__ = "consent_changes"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    channel: Mapped[MarketingChannel] = mapped_column(words(MarketingChannel))
    granted: Mapped[bool]
    wording: Mapped[str | None]
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


class MarketingConsent(Aggregate, Base, kw_only=True):
    """As it stands. Nobody who was not asked has agreed."""

    __tablename__ = "marketing_consents"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    email: Mapped[bool] = mapped_column(default=False)
    sms: Mapped[bool] = mapped_column(default=False)

    @classmethod
    def unasked(cls, customer_id: int) -> "MarketingConsent":
        """Version 0: there is no row of it yet."""
        consent = cls(customer_id=customer_id)
        consent.version = 0
        return consent

    def say(
        self, wanted: dict[MarketingChannel, bool], wording: str | None, *, address: str | None, user_agent: str | None
    ) -> Iterator[ConsentChange]:
        """What of it is another now. Taking back needs no words."""
        for channel, granted in wanted.items():
            if getattr(self, channel) is granted:
                continue
            if granted and wording is None:
                raise WordingMissing
            setattr(self, channel, granted)
            yield ConsentChange(
                customer_id=self.customer_id,
                channel=channel,
                granted=granted,
                wording=wording,
                address=address,
                user_agent=user_agent,
            )
