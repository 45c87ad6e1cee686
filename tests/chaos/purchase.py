"""One customer's booking on its way to being paid, each step taken as soon as the system lets them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

import httpx

from deploy.local.demo import affiliates, customers, outside
from deploy.local.demo.http import until
from deploy.local.demo.people import JSON, Person

from ..running import PATIENCE, PRICE, ZIP, RunningSystem, Shop

NOTICE = timedelta(hours=3)  # more than the lead time


@dataclass
class Purchase:
    system: RunningSystem
    http: httpx.AsyncClient
    shop: Shop
    customer: Person

    async def take(self) -> JSON:
        """As a client does that sends again, with the same key, what was not answered."""
        slot = await until("a slot", self._slot, PATIENCE)
        wanted, key = customers.booking_request(self.shop.tier, slot, ZIP), token_hex(16)
        answer = await until("a booking", lambda: customers.take(self.customer, wanted, key), PATIENCE)
        booking: JSON = answer.json()
        return booking

    async def _slot(self) -> datetime | None:
        return await customers.first_slot(self.customer, self.shop.tier["id"], after=NOTICE)

    async def prepared(self, booking: JSON) -> JSON:
        return await until("a payment", lambda: customers.payment_of(self.customer, booking["id"]), PATIENCE)

    async def pay(self, payment: JSON) -> None:
        stripe = self.system.site.stripe
        await until("the provider", lambda: customers.pay(self.customer, stripe, payment), PATIENCE)

    async def ends_well(self, booking: JSON, payment: JSON) -> None:
        """Paid and confirmed, charged once, told once, also when everything has come to rest."""
        await until("confirmed", lambda: customers.booking(self.customer, booking["id"], "confirmed"), PATIENCE)
        await self.system.rest()
        paid = await until("payments", lambda: self._paid(booking), PATIENCE)  # its API may be on its way back
        assert (paid["status"], paid["amount_cents"]) == ("captured", PRICE)
        moved = await outside.ledger(self.http, self.system.site.stripe, customers.intent_of(payment))
        assert (moved["charges"], moved["charged"], moved["refunds"]) == (1, PRICE, 0)
        assert await self._mails(self.customer, "Confirmed: ") == 1
        assert await self._mails(self.shop.owner, "New appointment: ") == 1
        kinds = Counter(await customers.notices(self.customer))
        assert kinds.pop("booking_held", 0) <= 1, "the hold may be over when it could be told"
        assert kinds == Counter(("booking_confirmed", "receipt_issued"))

    async def _paid(self, booking: JSON) -> JSON:
        return await self.customer.get("/payments/v1/payments", booking_id=booking["id"])

    async def _mails(self, person: Person, subject: str) -> int:
        """Those with this subject. To this person came each that was sent, and each once: no Message-ID twice."""
        found = await outside.mails(self.http, self.system.site.mail, person.email)
        ids = Counter(mail["message_id"] for mail in found)
        log = (await person.get("/notifications/v1/communications", limit=100))["items"]
        assert ids == Counter(sent["message_id"] for sent in log if sent["status"] == "sent")
        return sum(mail["subject"].startswith(subject) for mail in found)


async def purchase(system: RunningSystem, http: httpx.AsyncClient) -> Purchase:
    """With a shop and a customer of its own, so that what they are told is about nothing else."""
    shop = await system.shop(http)
    await until("membership", lambda: affiliates.membership(shop.owner, shop.affiliate["id"]), PATIENCE)
    made = Purchase(system, http, shop, await system.person(http, "customer"))
    await system.rest()
    return made
