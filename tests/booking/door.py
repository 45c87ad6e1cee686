"""The day of a crowd's jobs: a team sets out, begins, offers more, is done, or finds nobody."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared import clock
from shared.auth import Actor
from shared.testing.tokens import customer, member

from .quoting import Json, problem
from .witness import Job, Refusal, Span

if TYPE_CHECKING:
    from .crowd import Crowd

# What a team does on the day, so many minutes after the job was to begin, and whether its crew is free then.
DAY = {"set-out": (-60, False), "start": (0, False), "complete": (30, True), "no-show": (30, True)}
NO_TIME, STALE = "no-time-for-extras", "precondition-failed"
DOOR_RULES = {
    "not-to-begin", "not-yet-done", "nobody-missed", "nothing-to-add", "no-extras-offered", NO_TIME, STALE,
}  # fmt: skip
EXTRAS = ("extras", "extras/agree", "extras/drop")
LONGER = (0, 30, 60, 120)  # minutes
ANSWERS = ("agree", "agree", "agree", "drop", None)


@dataclass
class Door:
    crowd: "Crowd"

    async def goes_on(self, span: Span) -> None:
        """What the team does on the day of what is paid: it begins, is done, or nobody is there."""
        await self.crowd.pay(span)
        verb = self.crowd.random.choice(list(DAY))
        minutes, is_over = DAY[verb]
        with clock.frozen(span.job.start + timedelta(minutes=minutes)):
            does = self.crowd.act(span.booking, verb, member(span.booking["affiliate_id"]))
            if is_over:
                await self.crowd.lets_go(span, does)
            else:
                await self.crowd.counted(does)

    async def offers_more(self, span: Span) -> None:
        """Of what is paid; the customer agrees, says no, or nothing, and so perhaps does the team. Each acts upon what
        it sees: whatever it has become meanwhile is refused."""
        await self.crowd.pay(span)
        seen, minutes = await self.crowd.is_now(span), self.crowd.random.choice(LONGER)
        team, cents = member(seen["affiliate_id"]), self.crowd.random.choice((2_500, 4_000))
        with clock.frozen(_start(seen) + timedelta(minutes=self.crowd.random.choice((-30, 15)))):
            offer = {"lines": [{"label": "Pet hair", "amount_cents": cents}], "minutes": minutes}
            told = await self._asks(seen, minutes, "extras", team, offer)
            answer = self.crowd.random.choice(ANSWERS)
            if told and answer == "agree":
                await self._agrees(told, cents)
            elif told and answer == "drop":
                by = self.crowd.random.choice((team, customer(seen["customer_id"])))
                await self._asks(told, 0, "extras/drop", by, {})

    async def _agrees(self, offered: Json, cents: int) -> None:
        asked, minutes, before = time.time(), offered["extra_minutes"], offered["price_cents"]
        self.crowd.longer.add(offered["id"])
        by = customer(offered["customer_id"])
        told = await self._asks(offered, minutes, "extras/agree", by, {"price_cents": before + cents})
        if told is None:
            return
        longer = _end(told) - _end(offered)
        if (longer, told["price_cents"], told["extras"]) != (timedelta(minutes=minutes), before + cents, []):
            self.crowd.wrong.append(f"{told} for {offered}")
        self.crowd.sees(told, asked)
        self.crowd.owes(told, cents)

    async def _asks(self, seen: Json, minutes: int, verb: str, by: Actor, body: Json) -> Json | None:
        """That its crew has no time for more is seen."""
        asked = time.time()
        answer = await self.crowd.counted(self.crowd.act(seen, verb, by, seen["version"], **body))
        if problem(answer)[1] == NO_TIME:
            job = Job(_start(seen), _end(seen) + timedelta(minutes=minutes), seen["zip"])
            refusal = Refusal(seen["affiliate_id"], job, asked, time.time(), seen["id"], seen["crew_id"])
            self.crowd.witness.refusals.append(refusal)
        return answer.json() if answer.status_code == 200 else None


def _start(booking: Json) -> datetime:
    return datetime.fromisoformat(booking["appointment_start"])


def _end(booking: Json) -> datetime:
    return datetime.fromisoformat(booking["appointment_end"])
