"""What payments does when time passes."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.jobs import Jobs

from .commands import (
    accounts,
    days,
    disputes,
    events,
    fees,
    holds,
    invoices,
    ledger,
    payouts,
    reconciliation,
    reversals,
    tips,
    webhooks,
)

KEPT = timedelta(days=30)
TIPS_WAIT = timedelta(days=1)

jobs = Jobs("payments")


@jobs.every(timedelta(seconds=60))
async def ask_about_open_payments(session: AsyncSession) -> None:
    """Heals webhooks that never came: whoever was quiet for five minutes is asked about, 100 at a time."""
    await reconciliation.ask_about_quiet_intents(session, limit=100)
    await reconciliation.ask_about_sent_refunds(session, limit=100)


@jobs.every(timedelta(minutes=5))
async def hold_on_saved_cards(session: AsyncSession) -> None:
    """Two days before the visit, 100 at a time."""
    await holds.hold_due(session, limit=100)


@jobs.every(timedelta(minutes=5))
async def release_useless_holds(session: AsyncSession) -> None:
    """100 at a time; what is released is held anew by the job above, if it is time."""
    await holds.release_useless(session, limit=100)


@jobs.every(timedelta(minutes=5))
async def ask_about_open_accounts(session: AsyncSession) -> None:
    """Heals webhooks that never came: each that is not complete once an hour, 100 at a time."""
    await accounts.ask_about_quiet_accounts(session, limit=100)


@jobs.every(timedelta(minutes=5))
async def ask_about_open_disputes(session: AsyncSession) -> None:
    """Heals webhooks that never came: each whose money is not where it will stay once an hour, 100 at a time."""
    await disputes.ask_about_quiet_disputes(session, limit=100)


@jobs.every(timedelta(minutes=15))
async def remind_of_evidence(session: AsyncSession) -> None:
    """Three days before a bank takes no answer any more, and a day before."""
    await disputes.remind_of_evidence(session, limit=100)


@jobs.every(timedelta(hours=1))
async def look_for_disputes(session: AsyncSession) -> None:
    """Heals the first webhook of a dispute that never came."""
    disputes.look_for_more(session)


@jobs.every(timedelta(seconds=60))
async def pay_affiliates(session: AsyncSession) -> None:
    """Whoever has earned something and can be paid is looked at once an hour, 50 at a time. Beside it, payouts whose
    call was given up."""
    payouts.look_who_is_due(session)
    await payouts.ask_about_quiet_payouts(session, limit=100)
    await reversals.ask_about_quiet_reversals(session, limit=100)


@jobs.every(timedelta(hours=1))
async def take_back_debts(session: AsyncSession) -> None:
    """Of payouts, what went back to customers since then and no payout has set off for a month."""
    reversals.look_who_owes(session)


@jobs.every(timedelta(hours=1))
async def forget_webhook_details(session: AsyncSession) -> None:
    """What the provider told is settled; that it did stays. What a person must look at is kept until they have."""
    await webhooks.forget_details(session, before=now() - KEPT, limit=1000)


@jobs.every(timedelta(minutes=5))
async def forget_unpaid_tips(session: AsyncSession) -> None:
    """After a day, 100 at a time."""
    await tips.forget_unpaid(session, before=now() - TIPS_WAIT, limit=100)


@jobs.every(timedelta(minutes=5))
async def mend_ledger(session: AsyncSession) -> None:
    """For payments from before there were books; `mdh ledger check` compares all of them."""
    await ledger.mend(session, limit=500)


@jobs.every(timedelta(minutes=5))
async def issue_missing_papers(session: AsyncSession) -> None:
    """100 at a time: of jobs that were billed in 30 days, and of payments of the last day."""
    await invoices.look_for_missing(session, billed=now() - KEPT, paid=now() - timedelta(days=1), limit=100)


@jobs.every(timedelta(days=1))
async def round_ledger(session: AsyncSession) -> None:
    """For shares that an earlier release rounded otherwise, and fees that it read and did not post."""
    ledger.look_for_roundings(session)
    fees.look_for_missing(session)


@jobs.every(timedelta(hours=1))
async def look_for_untold_events(session: AsyncSession) -> None:
    """Heals webhooks that never came: the provider's list of events of the last three hours is read."""
    events.look_for_untold(session)


@jobs.every(timedelta(minutes=15))
async def reconcile_days(session: AsyncSession) -> None:
    """The provider's books of the day before, three hours after it has ended; days that were missed, too."""
    await days.reconcile_missing(session)
