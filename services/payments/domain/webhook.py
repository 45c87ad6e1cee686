"""What the provider tells us of its own accord."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Keyed, Timestamped, words
from shared.errors import Conflict, NotFound

from . import Base


class Outcome(StrEnum):
    """`done` changed something, `known` told nothing new, `ignored` is a type that we do not act upon, `foreign` is
    about something that is not ours, `parked` waits for a person."""

    DONE = "done"
    KNOWN = "known"
    IGNORED = "ignored"
    FOREIGN = "foreign"
    PARKED = "parked"


# What the provider tells of people and their cards beside payments: nothing of it is acted upon.
OF_PEOPLE = ("payment_method.", "customer.")
NAMES = ("id", "object", "customer")


def kept_of(type_: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Of people and their cards nothing but ids is kept: it comes later than their erasure, too."""
    if not type_.startswith(OF_PEOPLE):
        return payload
    subject = payload.get("data", {}).get("object", {})
    kept = {name: value for name, value in subject.items() if name in NAMES}
    return {name: value for name, value in payload.items() if name in ("id", "type", "created")} | {
        "data": {"object": kept}
    }


class NoSuchWebhook(NotFound):
    """The provider has told us of no such event."""


class DetailsForgotten(Conflict):
    """What this event said is not kept any more: it was handled more than 30 days ago, or its customer was erased."""


class Webhook(Keyed, Timestamped, Base, kw_only=True):
    """One event of the provider's, stored before anything is done about it; `event_id` is the provider's."""

    __tablename__ = "webhooks"

    event_id: Mapped[str]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime] = mapped_column(default_factory=now)
    handled_at: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome), default=None)

    @property
    def subject(self) -> dict[str, Any]:
        """The provider's object that the event is about, as it was then."""
        found: dict[str, Any] = self.payload["data"]["object"]
        return found

    def reopen(self) -> None:
        if not self.payload:
            raise DetailsForgotten
        self.outcome = self.handled_at = None

    def settle(self, outcome: Outcome) -> None:
        self.outcome, self.handled_at = outcome, now()
