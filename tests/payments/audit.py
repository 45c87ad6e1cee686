"""Whether the money is right: our rows, our books and the provider's own ledger, laid side by side when all is done."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.payments.commands.ledger import faults
from services.payments.domain.ledger import Account
from services.payments.domain.life import TAKEN, Status
from services.payments.domain.payment import Payment
from services.payments.domain.payout import Payout, PayoutStatus
from services.payments.domain.payout_account import PayoutAccount
from services.payments.domain.refund import Refund
from services.payments.domain.webhook import Outcome, Webhook
from services.payments.queries.invoices import bookings_without_papers, ranges_with_holes
from services.payments.queries.ledger import trial_balance
from shared.db import Database
from shared.outbox import BusinessEvent
from shared.tasks import Task
from tests.sandbox.driver import Driver

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EACH_MINUTE = "make_payouts"  # looks who is due; what it decides is seen in the payouts
ENDS = (*TAKEN, Status.CANCELLED)


@dataclass
class Audit:
    """What there is at one moment on both sides."""

    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    webhooks: Sequence[tuple[str, Outcome | None]]
    tasks: Sequence[str]
    told: Counter[tuple[str, int]]  # type and aggregate of each fact
    in_books: list[str]
    clearing: int  # before fees
    balance: int
    moved: dict[str, dict[str, Any]]  # by intent
    intents: dict[str, list[str]]  # of each booking, by what the provider was told
    payouts: Sequence[Payout]
    transfers: dict[str, list[int]]  # cents, by group
    accounts: dict[str, list[str]]  # the provider's, by what it was told
    known_accounts: Sequence[str | None]
    papers: list[str]  # what is wrong with them

    def wrongs(self) -> list[str]:
        """In words; none, if every payment has ended, once, as the provider says, and the books say the same."""
        found = [*self._of_payments(), *self._of_refunds(), *self._of_webhooks(), *self.in_books]
        found += [*self._of_payouts(), *self._of_accounts(), *self.papers]
        found += [f"task {name} is left" for name in self.tasks if name != EACH_MINUTE]
        if self.clearing != self.balance:
            found.append(f"the books have {self.clearing} with the provider, which has {self.balance}")
        return found

    def _of_payments(self) -> Iterator[str]:
        for payment in self.payments:
            who = f"payment {payment.id} of booking {payment.booking_id}"
            moved = self.moved.get(payment.stripe_payment_intent_id or "", {})
            here, there = _here(payment), {name: moved.get(name, 0) for name in ("charges", "charged", "refunded")}
            if here != there:
                yield f"{who} is {here} here, {there} there"
            if payment.status not in ENDS:
                yield f"{who} is {payment.status}"
            if payment.attention:
                yield f"{who} waits for a person: {payment.attention}"
            if self.told["payments.captured.v1", payment.id] != here["charges"]:
                yield f"{who} was told to be captured {self.told['payments.captured.v1', payment.id]} times"
        ours = {payment.stripe_payment_intent_id for payment in self.payments}
        for reference, made in self.intents.items():
            if len(made) > 1 or set(made) - ours:
                yield f"for {reference} the provider has made {made}"

    def _of_refunds(self) -> Iterator[str]:
        for refund in self.refunds:
            if refund.is_open:
                yield f"refund {refund.id} is {refund.status}"

    def _of_webhooks(self) -> Iterator[str]:
        for event_id, times in Counter(event_id for event_id, _ in self.webhooks).items():
            if times > 1:
                yield f"webhook {event_id} is stored {times} times"
        for event_id, outcome in self.webhooks:
            if outcome in (None, Outcome.PARKED):
                yield f"webhook {event_id} is {outcome or 'not handled'}"

    def _of_payouts(self) -> Iterator[str]:
        for payout in self.payouts:
            left = self.transfers.get(str(payout.reference), [])
            told = self.told["payments.paid_out.v1", payout.id]
            if (payout.status, left, told) != (PayoutStatus.PAID, [payout.amount_cents], 1):
                yield f"payout {payout.id} of {payout.amount_cents} is {payout.status}, sent as {left}, told {told}"
        if self.transfers.keys() - {str(payout.reference) for payout in self.payouts}:
            yield "money has left for nothing"

    def _of_accounts(self) -> Iterator[str]:
        if None in self.known_accounts:
            yield "an affiliate has no account"
        for reference, made in self.accounts.items():
            if len(made) > 1 or set(made) - set(self.known_accounts):
                yield f"for {reference} the provider has made the accounts {made}"


def _here(payment: Payment) -> dict[str, int]:
    charges = int(payment.status in TAKEN)
    return {"charges": charges, "charged": payment.captured_cents, "refunded": payment.refunded_cents}


async def _papers(session: AsyncSession) -> list[str]:
    holes = [f"of {kind} of {issuer}, {issued} are there and {last} were numbered"
             for kind, issuer, _, last, issued in await ranges_with_holes(session)]  # fmt: skip
    missing = await bookings_without_papers(session, billed=LONG_AGO, paid=LONG_AGO, limit=10)
    return holes + [f"booking {booking_id} has not all its papers" for booking_id in missing]


async def audit(database: Database, sandbox: Driver) -> Audit:
    ledger = (await sandbox.http.get("/_sandbox/ledger")).json()
    intents: dict[str, list[str]] = defaultdict(list)
    page = await sandbox.stripe.payment_intents.list_async({"limit": 100})
    async for intent in page.auto_paging_iter():
        intents[intent.metadata["mdh_reference"]].append(intent.id)
    transfers: dict[str, list[int]] = defaultdict(list)
    for one in ledger["transfers"]:
        transfers[one["transfer_group"]].append(one["amount"])
    accounts: dict[str, list[str]] = defaultdict(list)
    known = await sandbox.stripe.accounts.list_async({"limit": 100})
    async for account in known.auto_paging_iter():
        accounts[account.to_dict()["metadata"]["mdh_reference"]].append(account.id)
    async with database.begin() as session:
        balances = {account: cents for _, account, cents in await trial_balance(session)}
        told = select(BusinessEvent.type, BusinessEvent.aggregate_id, func.count()).group_by(
            BusinessEvent.type, BusinessEvent.aggregate_id
        )
        return Audit(
            payments=(await session.scalars(select(Payment).order_by(Payment.id))).all(),
            refunds=(await session.scalars(select(Refund).order_by(Refund.id))).all(),
            webhooks=[
                (id, outcome) for id, outcome in await session.execute(select(Webhook.event_id, Webhook.outcome))
            ],
            tasks=(await session.scalars(select(Task.name))).all(),
            told=Counter({(type, id): times for type, id, times in await session.execute(told)}),
            in_books=await faults(session),
            clearing=balances.get(Account.PROVIDER_CLEARING, 0) + balances.get(Account.PROVIDER_FEES, 0),
            balance=ledger["net"].get("usd", 0) - sum(sum(cents) for cents in transfers.values()),
            moved={one["payment_intent"]: one for one in ledger["payment_intents"]},
            intents=intents,
            payouts=(await session.scalars(select(Payout).order_by(Payout.id))).all(),
            transfers=transfers,
            accounts=accounts,
            known_accounts=(await session.scalars(select(PayoutAccount.stripe_account_id))).all(),
            papers=await _papers(session),
        )
