"""The path: an affiliate opens, a customer books, pays and reviews; then another booking, which is cancelled;
and a quote, which is accepted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_hex, token_urlsafe

import httpx

from . import affiliates, customers, outcome, outside, quotes
from .http import Unexpected
from .outcome import money
from .people import JSON, Person
from .report import Report
from .site import Site
from .wares import ADD_ON, PRICE_LIST, SERVICE, VEHICLE, ZIP
from .words import held, lines, sizes, status, when

SOON = timedelta(minutes=59)  # a job can be completed from an hour before it begins
LATER = timedelta(days=2)  # early enough to cancel for free
RATING = 5
WAITING = httpx.Timeout(60)


@dataclass
class Walk:
    """One run with people and names of its own, so that there can be any number of them."""

    site: Site
    report: Report
    http: httpx.AsyncClient
    run: str
    admin: Person
    owner: Person
    customer: Person
    read: set[str] = field(default_factory=set)
    job: JSON = field(default_factory=dict)
    price: JSON = field(default_factory=dict)
    quoted: JSON = field(default_factory=dict)

    async def all_the_way(self) -> JSON:
        """The affiliate of this run, as it was approved."""
        affiliate = await self.an_affiliate_opens()
        tier = (await self.its_offer_is_published(affiliate))["tiers"][0]
        await self.a_customer_arrives(affiliate)
        booking = await self.the_customer_books(tier)
        await self.the_customer_pays(booking)
        await self.the_job_is_done(booking, affiliate)
        await self.another_booking_is_cancelled(tier)
        await self.a_quote_is_accepted(tier)
        await self.what_came_of_it(affiliate)
        return affiliate

    async def an_affiliate_opens(self) -> JSON:
        step, owner = self.report.step, self.owner
        self.report.section("An affiliate opens")
        await step("The owner registers", owner.register("affiliate"), lambda _: owner.email)
        await self._verified(owner)
        await step("The owner logs in", owner.log_in())
        applied = await step(
            "The owner applies",
            affiliates.apply(owner, f"Sonoran Shine {self.run}", ZIP),
            lambda a: f"affiliate {a['id']}, {a['name']}, {a['city']} {a['state']}",
        )
        await step("The administrator logs in", self.admin.log_in())
        approved = await step("The administrator approves", affiliates.approve(self.admin, applied), status)
        await self.report.wait(
            "The account learns of the membership", lambda: affiliates.membership(owner, applied["id"])
        )
        await step("The owner's next token says so too", owner.refresh())
        await self._can_be_paid(approved)
        return approved

    async def _can_be_paid(self, affiliate: JSON) -> None:
        owner, of = self.owner, affiliate["id"]
        link = await self.report.wait(
            "The provider wants to know the owner", lambda: affiliates.onboarding_link(owner, of)
        )
        await self.report.step("The owner gives what it asks for", affiliates.onboard(owner, self.site.stripe, link))
        await self.report.wait(
            "The affiliate can be paid",
            lambda: affiliates.payouts(owner, of),
            lambda a: f"payouts {a['payout_status']}",
        )

    async def _verified(self, person: Person) -> None:
        asked = await self.report.wait(
            "The mail asks whose address it is",
            lambda: outside.newest_letter(self.http, self.site.mail, person.email, outside.VERIFY),
            lambda mail: f"“{mail['subject']}”",
        )
        await self.report.step("Its link verifies the address", person.verify(asked))

    async def its_offer_is_published(self, affiliate: JSON) -> JSON:
        """Its tiers; from here on it is known what the customer will want done."""
        await self.report.step(
            "The owner sets the prices", affiliates.set_prices(self.owner, affiliate["id"], PRICE_LIST), sizes
        )
        add_on = await self.report.step(
            "… and an add-on",
            affiliates.offer_add_on(self.owner, affiliate["id"], ADD_ON),
            lambda a: f"{a['name']} {money(a['price_cents'])}",
        )
        service = await self.report.step(
            "The owner publishes a service",
            affiliates.publish(self.owner, affiliate["id"], SERVICE),
            lambda s: f"{s['name']}: " + ", ".join(f"{t['name']} {money(t['price_cents'])}" for t in s["tiers"]),
        )
        await self.report.wait(
            "The owner sets the availability",
            lambda: affiliates.open_hours(self.owner, affiliate["id"], affiliates.ALWAYS),
            lambda shown: f"every day, {shown['windows'][0]['opens']} to {shown['windows'][0]['closes']}",
        )
        self.job = VEHICLE | {"add_on_ids": [add_on["add_on_id"]]}
        return service

    async def a_customer_arrives(self, affiliate: JSON) -> None:
        step, customer = self.report.step, self.customer
        self.report.section("A customer books")
        await step("The customer registers", customer.register("customer"), lambda _: customer.email)
        await self._verified(customer)
        await step("The customer logs in", customer.log_in())
        await self.report.wait(
            f"The customer searches around {ZIP}",
            lambda: customers.search(customer, ZIP, affiliate["id"]),
            lambda found: f"{found['name']}, from {money(found['from_price_cents'])}",
        )

    async def the_customer_books(self, tier: JSON) -> JSON:
        """At short notice, so that the job can be completed before the demo ends."""
        self.price = await self.report.step(
            "The customer checks the price", customers.check_price(self.customer, tier, ZIP, self.job), lines
        )
        async with affiliates.at_short_notice(self.admin):
            slot = await self.report.wait("The customer looks at slots", lambda: self._soon(tier["id"]), when)
            return await self._taken(tier, slot)

    async def _soon(self, tier_id: int) -> datetime | None:
        slot = await customers.first_slot(self.customer, tier_id, self.job["add_on_ids"])
        return slot if slot and slot - datetime.now(UTC) < SOON else None

    async def _taken(self, tier: JSON, slot: datetime) -> JSON:
        more, key = self.job | {"price_cents": self.price["total_cents"]}, token_hex(16)
        wanted = customers.booking_request(tier, slot, ZIP, **more)
        first = await self.report.step(
            "The customer takes it", customers.take(self.customer, wanted, key), lambda a: held(a.json())
        )
        await self.report.step("The same request again", self._again(wanted, key, first), lambda _: "the same bytes")
        booking: JSON = first.json()
        if booking["lines"] != self.price["lines"]:
            raise Unexpected(f"the booking: expected the lines {self.price['lines']}, came {booking['lines']}")
        return booking

    async def _again(self, wanted: JSON, key: str, first: httpx.Response) -> None:
        again = await customers.take(self.customer, wanted, key)
        if again.content != first.content:
            raise Unexpected(f"the same Idempotency-Key: expected the same {first.text}, came {again.text}")

    async def the_customer_pays(self, booking: JSON) -> JSON:
        customer = self.customer
        payment = await self.report.wait(
            "The payment is prepared",
            lambda: customers.payment_of(customer, booking["id"]),
            lambda p: f"payment {p['id']}, {money(p['amount_cents'])}",
        )
        await self.report.step("The customer pays by card", customers.pay(customer, self.site.stripe, payment), status)
        await self.report.wait(
            "The booking is confirmed", lambda: customers.booking(customer, booking["id"], "confirmed"), status
        )
        await self._mailed("The confirmation is in the mail", "Confirmed:")
        return payment

    async def _mailed(self, what: str, subject: str) -> None:
        await self.report.wait(
            what,
            lambda: self._letter(subject),
            lambda mail: f"“{mail['subject']}”",
        )

    async def _letter(self, subject: str) -> JSON | None:
        """One that was not read before."""
        found = await outside.mails(self.http, self.site.mail, self.customer.email, subject)
        new = next((mail for mail in found if mail["id"] not in self.read), None)
        if new is None:
            return None
        self.read.add(new["id"])
        return await outside.letter(self.http, self.site.mail, new["id"])

    async def the_job_is_done(self, booking: JSON, affiliate: JSON) -> None:
        self.report.section("The job is done")
        await self.report.step("The team completes the job", affiliates.complete(self.owner, booking), status)
        await self._invoiced(booking)
        await self.report.wait(
            "The customer reviews it",
            lambda: customers.review(self.customer, booking["id"], RATING, "Spotless, and on time."),
            lambda review: "★" * review["rating"],
        )
        await self.report.wait(
            "The rating is in the search",
            lambda: self._rated(affiliate["id"]),
            lambda found: f"{found['rating']} of 5, {found['review_count']} review",
        )

    async def _invoiced(self, booking: JSON) -> None:
        invoice = await self.report.wait(
            "The invoice is issued",
            lambda: customers.invoice_of(self.customer, booking["id"]),
            lambda i: f"{i['number']}, {money(i['total_cents'])}",
        )
        if invoice["total_cents"] != self.price["total_cents"]:
            raise Unexpected(f"the invoice: expected {self.price['total_cents']}, came {invoice['total_cents']}")
        await self.report.step(
            "The customer fetches it", customers.file_of(self.customer, invoice), lambda pdf: f"PDF, {len(pdf):,} bytes"
        )
        await self._mailed("It is in the mail, too", f"Your invoice {invoice['number']}")

    async def _rated(self, affiliate_id: int) -> JSON | None:
        found = await customers.search(self.customer, ZIP, affiliate_id)
        return found if found and found["rating"] == RATING and found["review_count"] == 1 else None

    async def another_booking_is_cancelled(self, tier: JSON) -> None:
        customer = self.customer
        self.report.section("Another booking is cancelled")
        slot = await self.report.wait(
            "The customer looks at later slots",
            lambda: customers.first_slot(customer, tier["id"], self.job["add_on_ids"], after=LATER),
            when,
        )
        booking = await self._taken(tier, slot)
        payment = await self.the_customer_pays(booking)
        await self.report.step(
            "The customer cancels",
            customers.cancel(customer, booking, "The car is sold."),
            lambda b: f"{b['status']}, {money(b['refund_cents'])} to go back",
        )
        await self.report.wait(
            "The provider has sent it back",
            lambda: self._refunded(customers.intent_of(payment)),
            lambda money_: f"charged {money(money_['charged'])}, refunded {money(money_['refunded'])}",
        )
        await self._mailed("The refund is in the mail", "goes back to you")

    async def _refunded(self, intent: str) -> JSON | None:
        moved = await outside.ledger(self.http, self.site.stripe, intent)
        return moved if moved.get("refunded") == self.price["total_cents"] and moved["charges"] == 1 else None

    async def a_quote_is_accepted(self, tier: JSON) -> None:
        step, customer, owner = self.report.step, self.customer, self.owner
        self.report.section("A quote is accepted")
        asked = await step(
            "The customer asks for a quote", quotes.ask(customer, tier), lambda q: f"quote {q['id']}, {q['status']}"
        )
        await step("The owner writes back", quotes.answer(owner, asked, "How much sand?"), lambda m: f"“{m['body']}”")
        self.quoted = await step(
            "The owner names a price",
            quotes.name_price(owner, asked),
            lambda q: lines(q | {"total_cents": q["price_cents"]}),
        )
        await self._mailed("The price is in the mail", "A price for")
        slot = await self.report.wait(
            "The customer looks at later slots",
            lambda: customers.first_slot(customer, tier["id"], self.job["add_on_ids"], after=LATER),
            when,
        )
        booking = await step("The customer accepts it", quotes.accept(customer, self.quoted, slot), held)
        if booking["lines"] != self.quoted["lines"]:
            raise Unexpected(f"the booking: expected the lines {self.quoted['lines']}, came {booking['lines']}")
        await self.the_customer_pays(booking)

    async def what_came_of_it(self, affiliate: JSON) -> None:
        self.report.section("What came of it")
        for person, expected in ((self.customer, outcome.CUSTOMER_IS_TOLD), (self.owner, outcome.OWNER_IS_TOLD)):
            await self.report.wait(
                f"{person.name} was told",
                partial(outcome.notices, person, expected),
                lambda kinds: f"{kinds.total()} notifications",
            )
        await self.report.step(
            "The owner looks at the money",
            affiliates.money_of(self.owner, affiliate["id"]),
            lambda balance: f"{money(balance['payable_cents'])} to be paid out, a week after each job",
        )
        await self.report.wait(
            "Analytics has counted it",
            lambda: outcome.numbers(self.owner, self.admin, affiliate["id"], self.price, self.quoted),
            outcome.in_words,
        )


@asynccontextmanager
async def walk(site: Site, report: Report) -> AsyncIterator[Walk]:
    """A walk about to begin."""
    run = token_hex(4)
    async with httpx.AsyncClient(base_url=site.gateway, timeout=WAITING, trust_env=False) as http:
        yield Walk(
            site, report, http, run,
            admin=Person(http, "The administrator", site.admin_email, site.admin_password),
            owner=Person(http, "The owner", f"owner-{run}@example.com", token_urlsafe(18)),
            customer=Person(http, "The customer", f"customer-{run}@example.com", token_urlsafe(18)),
        )  # fmt: skip
