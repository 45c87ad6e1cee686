"""What becomes of one booking, as its customer sees it: each thing done as soon as the system lets them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import stripe
from sqlalchemy import select, text

from services.payments.domain.payment import Payment
from shared.auth import Actor
from shared.testing.plugin import deliver_to, until
from shared.testing.tokens import customer, member
from tests.booking.conftest import AFFILIATE, ZONE, Shop, next_monday, open_shop

from .stage import PATIENCE, Stage

DAYS = {"windows": [{"weekday": day, "opens": "08:00", "closes": "20:00"} for day in range(7)]}
A_DAY, STEP = 4, timedelta(hours=3)
RUN_OUT = text("update bookings set hold_expires_at = now() - interval '1 second' where id = :id and status = 'held'")
PAID, GONE = ("confirmed",), ("cancelled", "expired")
numbers = count()


@dataclass
class Street:
    """The shop where all of it happens, and what has happened there."""

    stage: Stage
    shop: Shop
    stories: list["Story"] = field(default_factory=list)

    def story(self) -> "Story":
        """Another customer, at another time."""
        number = next(numbers)
        day = next_monday() + timedelta(days=number // A_DAY)
        at = datetime.combine(day, time(8), ZoneInfo(ZONE)) + number % A_DAY * STEP
        made = Story(self.stage, self.shop, customer(100 + number), at)
        self.stories.append(made)
        return made


async def street(stage: Stage) -> Street:
    def as_(actor: Actor) -> dict[str, str]:
        return {"Authorization": f"Bearer {stage.signer.token(actor)}"}

    shop = await open_shop(stage.booking, as_, deliver_to("booking", stage.databases["booking"]))
    path = f"/booking/v1/affiliates/{AFFILIATE}/availability"
    answer = await stage.booking.put(path, json=DAYS, headers=as_(member(AFFILIATE)))
    assert answer.status_code == 200, answer.text
    return Street(stage, shop)


@dataclass
class Story:
    stage: Stage
    shop: Shop
    who: Actor
    at: datetime
    booking: dict[str, Any] = field(default_factory=dict)

    async def pays(self) -> None:
        await self._takes()
        await self._pays()

    async def pays_and_cancels(self) -> None:
        await self.pays()
        await until(lambda: self._is(*PAID), PATIENCE)
        path = f"/booking/v1/bookings/{self.booking['id']}/cancel"
        answer = await self.stage.booking.post(path, json={}, headers=self.shop.as_(self.who))
        assert answer.status_code == 200, answer.text

    async def lets_it_run_out(self) -> None:
        await self._takes()
        await until(self.intent, PATIENCE)
        await self._runs_out()

    async def pays_when_it_runs_out(self) -> None:
        await self.lets_it_run_out()
        await self._pays()

    async def _takes(self) -> None:
        self.booking = await self.shop.held(self.at.isoformat(), self.who)

    async def _runs_out(self) -> None:
        async with self.stage.databases["booking"].begin() as session:
            await session.execute(RUN_OUT, {"id": self.booking["id"]})

    async def _pays(self) -> None:
        """Once there is something to pay; a card that is too late is refused."""
        intent_id = await until(self.intent, PATIENCE)
        try:
            await self.stage.sandbox.confirm(intent_id)
        except stripe.InvalidRequestError as refusal:
            assert "canceled" in str(refusal), refusal

    async def intent(self) -> str | None:
        async with self.stage.databases["payments"].begin() as session:
            of = select(Payment.stripe_payment_intent_id).where(Payment.booking_id == self.booking["id"])
            return await session.scalar(of)

    async def _is(self, *statuses: str) -> bool:
        return (await self.shop.look(self.booking))["status"] in statuses

    async def ends(self) -> None:
        await until(lambda: self._is(*PAID, *GONE), PATIENCE)

    async def wrongs(self, moved: dict[str, dict[str, Any]]) -> list[str]:
        """Confirmed and paid for; or gone, nothing kept, and its time free: never both, never neither."""
        intent_id = await self.intent()
        of = moved.get(intent_id or "", {"charged": 0, "net": 0})
        booking = await self.shop.look(self.booking)
        if booking["status"] in PAID:
            right = of["charged"] == of["net"] == booking["price_cents"]
        else:
            right = booking["status"] in GONE and of["net"] == 0 and await self._is_free()
        return [] if right else [f"booking {booking['id']} is {booking['status']}, and the provider has {of}"]

    async def _is_free(self) -> bool:
        day = self.at.date()
        shown = (await self.shop.slots(day, day)).get(day.isoformat(), [])
        return self.at in [datetime.fromisoformat(start) for start in shown]


Tale = Callable[[Story], Awaitable[None]]
