"""The life of bookings in plain Python, as the README tells it; it knows nothing of the code.

A clock, a price of one vehicle, two crews and a list of bookings. Each method is something that happens, changes what
it changes, and says what is answered: a status and, of what is not simply somebody else's or too late, the problem's
name.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from .conftest import ZONE

Answer = tuple[int, str]
MOST_HOLDS = 3
JOB, BUFFER = timedelta(hours=2), timedelta(minutes=30)  # a job of one vehicle
CLOSES = 18  # hours
HOLD, ANSWERED_WITHIN, PAID_WITHIN = timedelta(minutes=10), timedelta(hours=48), timedelta(hours=24)
LIVE = {"held", "confirmed", "en_route", "in_progress"}
GONE = {"cancelled", "expired", "declined", "no_show"}
UNDER_WAY = {"confirmed", "en_route", "in_progress"}
DONE, TAKEN, NOT_OFFERED = (200, ""), (409, "slot-taken"), (409, "slot-not-offered")


class Step(NamedTuple):
    """What somebody does to a booking: to which state (None: it stays), from which, who may, and when, in hours after
    its start, before its end, or only ahead of its start; an administrator may cancel at any time."""

    to: str | None
    from_: set[str]
    by: set[str]
    after_start: float | None = None
    before_end: float | None = None
    ahead: bool = False


ACTS = {
    "accept": Step("held", {"requested"}, {"owner"}, ahead=True),
    "decline": Step("declined", {"requested"}, {"owner"}),
    "cancel": Step("cancelled", LIVE | {"requested"}, {"customer", "owner", "admin"}, before_end=0),
    "set-out": Step("en_route", {"confirmed"}, {"owner", "technician"}, after_start=-12, before_end=0),
    "start": Step("in_progress", {"confirmed", "en_route"}, {"owner", "technician"}, after_start=-1),
    "complete": Step("completed", UNDER_WAY, {"owner", "technician", "admin"}, after_start=-1),
    "no-show": Step(
        "no_show", {"confirmed", "en_route"}, {"owner", "technician", "admin"}, after_start=0.25, before_end=24
    ),
}
MOVES = {
    "propose": Step(None, {"confirmed"}, {"owner"}, ahead=True),
    "reschedule": Step(None, {"held", "confirmed"}, {"customer"}, ahead=True),
}
EXTRAS = {
    "extras": Step(None, UNDER_WAY, {"owner", "technician"}, after_start=-1),
    "extras/agree": Step(None, UNDER_WAY, {"customer"}, after_start=-1),
    "extras/drop": Step(None, UNDER_WAY, {"customer", "owner", "technician"}, after_start=-1),
}


@dataclass
class Charge:
    """So much on top, in a payment of its own."""

    cents: int
    payment_id: int
    paid: bool = False


@dataclass
class Known:
    """A booking as the model knows it; `told` is what was answered when it was made."""

    told: dict[str, Any]
    status: str
    crew: int
    start: datetime
    length: timedelta
    vehicles: int
    waits_until: datetime
    price: int
    free_until: datetime
    late_fee: int
    no_show_fee: int
    version: int = 1
    paid: int = 0
    refund: int = 0
    proposed: datetime | None = None
    was_held: bool = False
    extras: tuple[int, int] = (0, 0)  # offered and not answered: cents and minutes
    agreed: bool = False  # to some: then its price is no more the price list's
    charges: list[Charge] = field(default_factory=list)

    @property
    def id(self) -> int:
        return int(self.told["id"])

    @property
    def end(self) -> datetime:
        return self.start + self.length

    @property
    def missing(self) -> int:
        return self.price - (self.paid - self.refund)

    @property
    def row(self) -> tuple[Any, ...]:
        money = (self.price, self.paid, self.refund, [charge.cents for charge in self.charges])
        time = (self.crew, self.start, self.end, self.proposed)
        return self.id, self.status, self.version, *time, *money, *self.extras

    def become(self, status: str) -> None:
        self.status, self.version = status, self.version + 1

    def lapsed(self, at: datetime) -> bool:
        return self.status in ("held", "requested") and self.waits_until <= at

    def keeps(self, crew: int, start: datetime, length: timedelta, at: datetime) -> bool:
        """Whether the crew cannot do another job then."""
        return self.status in LIVE and not self.lapsed(at) and self.is_in_the_way(crew, start, length)

    def is_in_the_way(self, crew: int, start: datetime, length: timedelta) -> bool:
        return self.crew == crew and self.start < start + length + BUFFER and start < self.end + BUFFER

    def give_back(self, but: int) -> int:
        back = max(self.paid - self.refund - but, 0)
        self.refund += back
        return back


@dataclass
class Model:
    at: datetime
    price: int
    crews: list[int] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    asks_first: bool = False

    @property
    def wait(self) -> timedelta:
        """How long for the next who comes."""
        return ANSWERED_WITHIN if self.asks_first else HOLD

    def free(self, start: datetime, length: timedelta, but: Known | None = None) -> int | None:
        """The first crew that could do a job then."""
        others = [one for one in self.known if one is not but]
        return next((c for c in self.crews if not any(one.keeps(c, start, length, self.at) for one in others)), None)

    def let_go(self, crew: int, start: datetime, length: timedelta, but: Known | None = None) -> None:
        """Whoever takes a time ends the holds there that nobody paid."""
        for one in self.known:
            lapsed = one is not but and one.status == "held" and one.lapsed(self.at)
            if lapsed and one.is_in_the_way(crew, start, length):
                one.become("expired")

    def run_out(self) -> None:
        for one in self.known:
            if one.lapsed(self.at):
                one.become("expired")

    def takes(self, customer: int, start: datetime, vehicles: int) -> Answer:
        mine = [one for one in self.known if one.told["customer_id"] == customer]
        waiting = [one for one in mine if one.status in ("held", "requested") and not one.lapsed(self.at)]
        if len(waiting) >= MOST_HOLDS:
            return 409, "too-many-holds"
        length = vehicles * JOB
        if not _is_within_hours(start, length):
            return NOT_OFFERED
        return (201, "") if self.free(start, length) is not None else TAKEN

    def took(self, told: dict[str, Any], start: datetime, vehicles: int) -> Known:
        """It did: a hold, or only a request."""
        length = vehicles * JOB
        crew = self.free(start, length)
        assert crew is not None
        self.let_go(crew, start, length)
        status = "requested" if self.asks_first else "held"
        booking = Known(
            told, status, crew, start, length, vehicles, min(self.at + self.wait, start), vehicles * self.price,
            free_until=start - timedelta(hours=24), late_fee=told["late_fee_cents"],
            no_show_fee=told["no_show_fee_cents"], was_held=not self.asks_first,
        )  # fmt: skip
        self.known.append(booking)
        return booking

    def _may(self, booking: Known, step: Step, by: str, version: int | None) -> int:
        """`version`: how far what the client saw is from what is."""
        if by == "stranger":
            return 404
        if version:
            return 412
        if by not in step.by:
            return 403
        return 200 if self._is_its_time(booking, step, by) else 409

    def _is_its_time(self, booking: Known, step: Step, by: str) -> bool:
        if booking.status not in step.from_:
            return False
        if step.to == "cancelled" and by == "admin":
            return True
        hour = timedelta(hours=1)
        begins = step.after_start is None or self.at >= booking.start + step.after_start * hour
        begins &= not step.ahead or self.at < booking.start
        return begins and (step.before_end is None or self.at < booking.end + step.before_end * hour)

    def act(self, booking: Known, verb: str, by: str, version: int | None) -> int:
        step = ACTS[verb]
        code = self._may(booking, step, by, version)
        if code == 200 and verb in ("accept", "decline") and booking.lapsed(self.at):
            return 409
        if code == 200 and verb == "accept":
            return 200 if self._accept(booking) else 409
        if code == 200 and step.to:
            late = by == "customer" and self.at > booking.free_until
            fee = {"cancelled": booking.late_fee * late, "no_show": booking.no_show_fee}
            if step.to in fee:
                booking.give_back(but=fee[step.to])
            if step.to in ("cancelled", "no_show", "completed"):
                booking.extras = (0, 0)
            booking.become(step.to)
        return code

    def _accept(self, booking: Known) -> bool:
        """Who wanted a time that overlaps and finds no crew any more is told no."""
        crew = self.free(booking.start, booking.length)
        if crew is None:
            return False
        self.let_go(crew, booking.start, booking.length)
        booking.crew, booking.was_held = crew, True
        booking.waits_until = min(self.at + PAID_WITHIN, booking.start)
        booking.become("held")
        for rival in self.known:
            overlaps = rival.start < booking.end and booking.start < rival.end
            if (
                rival.status == "requested"
                and not rival.lapsed(self.at)
                and overlaps
                and self.free(rival.start, rival.length) is None
            ):
                rival.become("declined")
        return True

    def move(self, booking: Known, verb: str, by: str, start: datetime, version: int | None) -> Answer:
        """The affiliate asks for another time, or the customer takes one."""
        code, as_proposed = self._may(booking, MOVES[verb], by, version), start == booking.proposed
        if code != 200:
            return code, ""
        if verb == "reschedule" and (booking.lapsed(self.at) or (self.at > booking.free_until and not as_proposed)):
            return 409, "too-late-to-reschedule"
        if not _is_within_hours(start, booking.length):
            return NOT_OFFERED
        crew = self.free(start, booking.length, but=booking)
        if crew is None:
            return TAKEN
        self.let_go(crew, start, booking.length, but=booking)
        booking.version += 1
        if verb == "propose":
            booking.proposed = start
            return DONE
        booking.free_until += start - booking.start
        booking.crew, booking.start, booking.proposed = crew, start, None
        booking.waits_until = min(booking.waits_until, start)
        if booking.status == "confirmed" and not as_proposed and not booking.agreed:
            self._cost(booking, booking.vehicles * self.price)
        return DONE

    def extras(self, booking: Known, verb: str, by: str, version: int | None, told: tuple[int, int]) -> Answer:
        """`told`: what is offered, or what the customer saw of it."""
        code = self._may(booking, EXTRAS[verb], by, version)
        if code != 200:
            return code, ""
        if verb != "extras" and (booking.extras == (0, 0) or (verb == "extras/agree" and told[0] != booking.extras[0])):
            return 409, "no-extras-offered"
        cents, minutes = told if verb == "extras" else booking.extras
        length = booking.length + timedelta(minutes=minutes)
        if minutes and verb != "extras/drop":
            if any(one.keeps(booking.crew, booking.start, length, self.at) for one in self.known if one is not booking):
                return 409, "no-time-for-extras"
            self.let_go(booking.crew, booking.start, length, but=booking)
        booking.version += 1
        booking.extras = told if verb == "extras" else (0, 0)
        if verb == "extras/agree":
            booking.length, booking.agreed = length, True
            self._cost(booking, booking.price + cents)
        return DONE

    def _cost(self, booking: Known, price: int) -> None:
        """From now on; what is missing is asked for, what is too much goes back."""
        more, was_missing, booking.price = price - booking.price, booking.missing, price
        booking.late_fee, booking.no_show_fee = (min(fee, price) for fee in (booking.late_fee, booking.no_show_fee))
        if more < 0 < was_missing:  # called off, and asked for anew
            booking.version, more = booking.version + 1, booking.missing
        if more > 0:
            self._ask(booking, more)
        elif booking.give_back(but=booking.price):
            booking.version += 1

    def _ask(self, booking: Known, cents: int) -> None:
        booking.charges.append(Charge(cents, 10_000_000 + booking.id * 100 + len(booking.charges)))
        booking.version += 1

    def pay(self, booking: Known) -> None:
        """What is asked for when it is held. What came twice finds it paid."""
        cents, ahead = booking.told["price_cents"], self.at < booking.start
        others = [one for one in self.known if one is not booking]
        taken = any(one.keeps(booking.crew, booking.start, booking.length, self.at) for one in others)
        if booking.status in ("held", "expired"):
            booking.paid = cents
            if ahead and (booking.status == "held" or not taken):
                if booking.status == "expired":
                    self.let_go(booking.crew, booking.start, booking.length)
                booking.become("confirmed")
            else:
                booking.refund = cents
                booking.become("cancelled")
        elif booking.status == "cancelled" and not booking.paid:
            booking.paid = booking.refund = cents
            booking.version += 1

    def pay_more(self, booking: Known, charge: Charge) -> None:
        """Once. Whoever pays more than it costs by now, or for what is gone, has it back."""
        if charge.paid:
            return
        charge.paid = True
        booking.paid += charge.cents
        booking.version += 1
        if booking.status in GONE:
            booking.refund += charge.cents
        elif booking.give_back(but=booking.price):
            booking.version += 1


def _is_within_hours(start: datetime, length: timedelta) -> bool:
    end = start.astimezone(ZoneInfo(ZONE)) + length
    return end <= end.replace(hour=CLOSES, minute=0) and end.date() == start.astimezone(ZoneInfo(ZONE)).date()
