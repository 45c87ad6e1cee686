"""The life of an appointment: its states, and who leads from one to another, when, and what follows.

The table is all there is: what it does not name is refused, by a name of its own.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.errors import Conflict, Forbidden, Refusal


class Status(StrEnum):
    REQUESTED = "requested"
    HELD = "held"
    CONFIRMED = "confirmed"
    EN_ROUTE = "en_route"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DECLINED = "declined"
    NO_SHOW = "no_show"


class Step(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    CONFIRM = "confirm"
    EXPIRE = "expire"
    TURN_AWAY = "turn_away"
    PROPOSE = "propose"
    RESCHEDULE = "reschedule"
    OFFER_EXTRAS = "offer_extras"
    AGREE_EXTRAS = "agree_extras"
    DROP_EXTRAS = "drop_extras"
    SET_OUT = "set_out"
    START = "start"
    COMPLETE = "complete"
    MISS = "miss"
    CANCEL = "cancel"


class Party(StrEnum):
    """In which capacity somebody acts; `platform` is booking itself, because of what it is told or of the time."""

    CUSTOMER = "customer"
    LEADERS = "leaders"  # the affiliate's owners and managers
    TEAM = "team"  # all who work for it
    ADMIN = "admin"
    PLATFORM = "platform"


# A booking in these states keeps its crew; the exclusion constraint says the same.
ACTIVE = (Status.HELD, Status.CONFIRMED, Status.EN_ROUTE, Status.IN_PROGRESS)
UNDER_WAY = (Status.CONFIRMED, Status.EN_ROUTE, Status.IN_PROGRESS)
GONE = (Status.CANCELLED, Status.EXPIRED, Status.DECLINED, Status.NO_SHOW)
# What ends by itself at `hold_expires_at`.
WAITING = (Status.REQUESTED, Status.HELD)
# What was promised to the customer: paid for, and neither called off nor missed.
AGREED = (*UNDER_WAY, Status.COMPLETED)


class AlreadyAnswered(Conflict):
    """This request was answered or withdrawn already, or nobody answered it in time."""


class TooLateToReschedule(Conflict):
    """This appointment can no longer be moved: by its customer until it can be cancelled for nothing, or to a time that
    the affiliate has proposed."""


class NotToBegin(Conflict):
    """Nobody sets out for this appointment or begins it: it is not confirmed, its time has not come, or it is over."""


class NothingToAdd(Conflict):
    """Extras are offered, and agreed to, from an hour before a confirmed appointment begins until it is completed."""


class NotYetDone(Conflict):
    """A booking can be completed from an hour before it begins, once it is confirmed."""


class NobodyMissed(Conflict):
    """A customer can be missed from 15 minutes after a confirmed appointment was to begin until a day after it."""


class TooLateToCancel(Conflict):
    """This booking can no longer be cancelled."""


class NotAwaited(Conflict):
    """Nothing waits for this any more."""


class NotYourPart(Forbidden):
    """Somebody else has to do this."""


class When(NamedTuple):
    """From so long after the appointment was to begin, until so long after that or its end; None: no limit."""

    said: str
    since: timedelta | None = None
    until_start: timedelta | None = None
    until_end: timedelta | None = None

    def holds(self, at: datetime, start: datetime, end: datetime) -> bool:
        if self.since is not None and at < start + self.since:
            return False
        if self.until_start is not None and at >= start + self.until_start:
            return False
        return self.until_end is None or at < end + self.until_end


AT_ONCE = timedelta()
ANY_TIME = When("")
AHEAD = When("before it was to begin", until_start=AT_ONCE)
NOT_OVER = When("before its end", until_end=AT_ONCE)
ON_ITS_DAY = When("from 12 hours before until its end", since=timedelta(hours=-12), until_end=AT_ONCE)
NEAR = When("from an hour before", since=timedelta(hours=-1))
MISSED = When(
    "from 15 minutes after it was to begin until a day after its end",
    since=timedelta(minutes=15),
    until_end=timedelta(days=1),
)


class Transition(NamedTuple):
    """`leads_to` None: the state stays. `staff_any_time`: an administrator may also when it is not the time for it."""

    leads_from: tuple[Status, ...]
    leads_to: Status | None
    by: frozenset[Party]
    when: When
    effect: str
    refusal: type[Refusal]
    staff_any_time: bool = False


def _row(
    from_: str,
    to: str | None,
    by: str,
    when: When,
    effect: str,
    refusal: type[Refusal],
    *,
    staff_any_time: bool = False,
) -> Transition:
    states = tuple(Status(name) for name in from_.split())
    parties = frozenset(Party(name) for name in by.split())
    return Transition(states, Status(to) if to else None, parties, when, effect, refusal, staff_any_time)


TRANSITIONS = {
    Step.ACCEPT: _row("requested", "held", "leaders", AHEAD, "a crew is taken, rivals are told", AlreadyAnswered),
    Step.DECLINE: _row("requested", "declined", "leaders platform", ANY_TIME, "other times are told", AlreadyAnswered),
    Step.CONFIRM: _row("held expired", "confirmed", "platform", AHEAD, "paid, the time is theirs", NotAwaited),
    Step.EXPIRE: _row("requested held", "expired", "platform", ANY_TIME, "the time is free", NotAwaited),
    Step.TURN_AWAY: _row("held expired", "cancelled", "platform", ANY_TIME, "paid too late, all goes back", NotAwaited),
    Step.PROPOSE: _row("confirmed", None, "leaders", AHEAD, "another time is asked for", TooLateToReschedule),
    Step.RESCHEDULE: _row(
        "held confirmed", None, "customer", AHEAD, "another time; a difference in price is settled", TooLateToReschedule
    ),
    Step.OFFER_EXTRAS: _row(
        "confirmed en_route in_progress", None, "team", NEAR, "the customer is asked", NothingToAdd
    ),
    Step.AGREE_EXTRAS: _row(
        "confirmed en_route in_progress", None, "customer", NEAR, "they are charged on top, it lasts longer",
        NothingToAdd,
    ),
    Step.DROP_EXTRAS: _row("confirmed en_route in_progress", None, "customer team", NEAR, "", NothingToAdd),
    Step.SET_OUT: _row("confirmed", "en_route", "team", ON_ITS_DAY, "the customer hears when", NotToBegin),
    Step.START: _row("confirmed en_route", "in_progress", "team", NEAR, "", NotToBegin),
    Step.COMPLETE: _row(
        "confirmed en_route in_progress", "completed", "team admin", NEAR, "photos, notes", NotYetDone,
    ),
    Step.MISS: _row("confirmed en_route", "no_show", "team admin", MISSED, "less the fee, it goes back", NobodyMissed),
    Step.CANCEL: _row(
        "requested held confirmed en_route in_progress", "cancelled", "customer leaders admin", NOT_OVER,
        "refund by the policy of the booking", TooLateToCancel, staff_any_time=True,
    ),
}  # fmt: skip


def after(step: Step, status: Status, by: frozenset[Party], *, at: datetime, start: datetime, end: datetime) -> Status:
    """Where the step leads to from here, now, by somebody in these capacities; a named refusal if it does not."""
    row = TRANSITIONS[step]
    if not by & row.by:
        raise NotYourPart
    in_time = row.when.holds(at, start, end) or (row.staff_any_time and Party.ADMIN in by)
    if status not in row.leads_from or not in_time:
        raise row.refusal(booking_status=status)
    return row.leads_to or status


def drawing() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> requested: ask for a time", "    [*] --> held: take a time"]
    for step, row in TRANSITIONS.items():
        lines += [f"    {source} --> {row.leads_to or source}: {step}" for source in row.leads_from]
    return "\n".join(lines)


def rows() -> str:
    """The table as Markdown."""
    lines = ["| step | from | to | who | when | what follows |", "|---|---|---|---|---|---|"]
    for step, row in TRANSITIONS.items():
        who = ", ".join(sorted(row.by)) + (" (admin at any time)" if row.staff_any_time else "")
        to = row.leads_to or "the same"
        lines.append(f"| {step} | {', '.join(row.leads_from)} | {to} | {who} | {row.when.said} | {row.effect} |")
    return "\n".join(lines)
