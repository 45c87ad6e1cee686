"""The life of a quote: its states, and who leads from one to another.

The table is all there is: what it does not name is refused, by a name that says where the quote stands.
"""

from enum import StrEnum
from typing import NamedTuple

from shared.errors import Conflict, Forbidden, Refusal

from .life import Party


class QuoteStatus(StrEnum):
    REQUESTED = "requested"
    PRICED = "priced"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    EXPIRED = "expired"


class QuoteStep(StrEnum):
    PRICE = "price"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    ACCEPT = "accept"
    CLOSE = "close"
    EXPIRE = "expire"
    REOPEN = "reopen"
    SETTLE = "settle"


# Until its time is over, one of these waits for somebody.
OPEN = (QuoteStatus.REQUESTED, QuoteStatus.PRICED)


class NotPricedYet(Conflict):
    """The affiliate has not named its price yet."""


class NotAccepted(Conflict):
    """Nobody has accepted this quote."""


class AlreadyAccepted(Conflict):
    """This quote is accepted: what is to come is up to its booking."""


class WasDeclined(Conflict):
    """The affiliate has declined this quote."""


class WasWithdrawn(Conflict):
    """The customer has withdrawn this quote."""


class AnotherWasAccepted(Conflict):
    """Another affiliate's quote of the same request was accepted."""


class QuoteHasExpired(Conflict):
    """The time of this quote is over."""


class NotYourStep(Forbidden):
    """Somebody else has to do this."""


class QuoteTransition(NamedTuple):
    leads_from: tuple[QuoteStatus, ...]
    leads_to: QuoteStatus
    by: frozenset[Party]
    effect: str


def _row(from_: str, to: str, by: str, effect: str = "") -> QuoteTransition:
    states = tuple(QuoteStatus(name) for name in from_.split())
    return QuoteTransition(states, QuoteStatus(to), frozenset(Party(name) for name in by.split()), effect)


QUOTE_TRANSITIONS = {
    QuoteStep.PRICE: _row("requested priced", "priced", "leaders", "the tax is added; again: a new price in its place"),
    QuoteStep.DECLINE: _row("requested priced", "declined", "leaders"),
    QuoteStep.WITHDRAW: _row("requested priced", "withdrawn", "customer platform", "also by an erasure"),
    QuoteStep.ACCEPT: _row("priced", "accepted", "customer", "a slot is held at its price; the others are closed"),
    QuoteStep.CLOSE: _row("requested priced", "closed", "platform", "another of the same request was accepted"),
    QuoteStep.EXPIRE: _row("requested priced accepted", "expired", "platform", "its time is over"),
    QuoteStep.REOPEN: _row("accepted", "priced", "platform", "the hold ended unpaid, and its time is not over"),
    QuoteStep.SETTLE: _row("priced expired", "accepted", "platform", "the hold that had ended was paid after all"),
}
# Why a step does not lead on from where the quote stands.
STANDS: dict[QuoteStatus, type[Refusal]] = {
    QuoteStatus.REQUESTED: NotPricedYet,
    QuoteStatus.PRICED: NotAccepted,
    QuoteStatus.ACCEPTED: AlreadyAccepted,
    QuoteStatus.DECLINED: WasDeclined,
    QuoteStatus.WITHDRAWN: WasWithdrawn,
    QuoteStatus.CLOSED: AnotherWasAccepted,
    QuoteStatus.EXPIRED: QuoteHasExpired,
}


def after_step(step: QuoteStep, status: QuoteStatus, by: Party | None) -> QuoteStatus:
    """Where the step leads to from here; a refusal if it does not. None is somebody who only looks on."""
    transition = QUOTE_TRANSITIONS[step]
    if by not in transition.by:
        raise NotYourStep
    if status not in transition.leads_from:
        raise STANDS[status](quote_status=status)
    return transition.leads_to
