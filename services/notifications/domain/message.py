"""What was said: notices in the app, and the log of what left the house."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, Keyed, Timestamped, kept, words
from shared.errors import NotFound
from shared.papers import Paper

from . import Base
from .kinds import Kind

MAX_ERROR = 500
# Nothing more will be sent: what was needed only for that goes.
NOT_KEPT = {"to_email": None, "to_name": None, "secret": None, "attachment": None}


class NoSuchNotification(NotFound):
    """There is no such notification, or it is not yours."""


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    IN_APP = "in_app"


class Status(StrEnum):
    """`failed`: the mail server refused it for good. `skipped`: it was no longer true when it was its turn."""

    QUEUED = "queued"
    SENT = "sent"
    SKIPPED = "skipped"
    FAILED = "failed"


class Notification(Keyed, Timestamped, Base, kw_only=True):
    """A notice in the app."""

    __tablename__ = "notifications"

    user_id: Mapped[int]
    type: Mapped[Kind] = mapped_column(words(Kind))
    title: Mapped[str]
    message: Mapped[str]
    data: Mapped[dict[str, Any]]
    is_read: Mapped[bool] = mapped_column(default=False)
    cause: Mapped[str]
    cause_event_id: Mapped[UUID | None]

    def read(self) -> None:
        self.is_read = True


class Communication(Aggregate, Base, kw_only=True):
    """A message to one person over one channel.

    `attempts` counts how often it was handed to the mail server, each counted before it is made: so many copies can
    have arrived at most, all of them with the same `message_id`. `to_email`, `to_name` and `secret` are of mail to an
    addressee, `attachment` is what comes along as a PDF, until it is sent.
    """

    __tablename__ = "communications"

    to_user_id: Mapped[int | None]
    from_user_id: Mapped[int | None] = mapped_column(default=None)
    type: Mapped[Channel] = mapped_column(words(Channel), default=Channel.EMAIL)
    notice: Mapped[Kind] = mapped_column(words(Kind))
    subject: Mapped[str]
    content: Mapped[str]
    status: Mapped[Status] = mapped_column(words(Status))
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    booking_id: Mapped[int | None] = mapped_column(default=None)
    affiliate_id: Mapped[int | None] = mapped_column(default=None)
    appointment_start: Mapped[datetime | None] = mapped_column(default=None)
    quote_id: Mapped[int | None] = mapped_column(default=None)
    quote_version: Mapped[int | None] = mapped_column(default=None)
    cause: Mapped[str]
    cause_event_id: Mapped[UUID | None] = mapped_column(default=None)
    message_id: Mapped[str | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(default=None)
    to_email: Mapped[str | None] = mapped_column(default=None)
    to_name: Mapped[str | None] = mapped_column(default=None)
    secret: Mapped[str | None] = mapped_column(default=None, repr=False)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    attachment: Mapped[Paper | None] = mapped_column(kept(Paper), default=None)

    def attempt(self, domain: str) -> None:
        """About to be handed to the mail server: from here on it can have arrived."""
        # The time makes it unique over databases too: ids begin anew in a new one, mailboxes do not.
        self.message_id = f"<communication.{self.id}.{self.created_at:%Y%m%d%H%M%S%f}@{domain}>"
        self.attempts += 1
        self.version += 1

    def is_too_late(self, at: datetime) -> bool:
        return self.expires_at is not None and at >= self.expires_at

    def skip(self) -> None:
        for name, value in {"status": Status.SKIPPED, **NOT_KEPT}.items():
            setattr(self, name, value)
        self.version += 1


def outcome(refusal: str | None, at: datetime) -> dict[str, Any]:
    """What a message becomes that the mail server has taken or, for that reason, refused for good."""
    if refusal is None:
        return {"status": Status.SENT, "sent_at": at, **NOT_KEPT}
    return {"status": Status.FAILED, "error": refusal[:MAX_ERROR], **NOT_KEPT}


class WaitingNotice(Keyed, Timestamped, Base, kw_only=True):
    """A notice to somebody who is not known yet: told as soon as `waits_for` (`customer 5`) is."""

    __tablename__ = "waiting_notices"

    waits_for: Mapped[str]
    notice: Mapped[dict[str, Any]]
