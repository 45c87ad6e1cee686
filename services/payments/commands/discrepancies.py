"""What the provider's books and ours say differently: asked for once more, and kept only if it is still so."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.tasks import NotNow, Outside

from ..clients import Provider
from ..domain.comparison import Difference, difference_of_stranger, differences_of_payout
from ..domain.discrepancy import Discrepancy
from ..domain.entry import CHARGES, REFUNDS, Entry
from ..domain.payment import Payment
from ..domain.payout import Payout
from ..domain.provider import RefusedByProvider
from ..queries.discrepancies import find_discrepancy_of, get_discrepancy, lock_discrepancies_about
from ..queries.payments import get_payment
from ..queries.reconciliation import differences_now, entries_of_payout, find_payment_behind, told_of
from ..queries.reversals import reversals_of
from . import fees, tasks
from .disputes import check_dispute
from .repayment import settle_refund
from .reversals import check_transfer
from .settlement import settle_intent

log = structlog.get_logger()

FOUND = Counter("mdh_payments_discrepancies_total", "Differences found between the provider's books and ours", ["kind"])
ROUNDS = 3
SOON = timedelta(minutes=1)
SETTLES = timedelta(hours=1)  # so long the provider may take to book what it has told


def examine(session: AsyncSession, about: str) -> None:
    kind, _, key = about.partition(":")
    call = {"payment": examine_payment, "payout": examine_payout, "entry": examine_stranger}[kind]
    tasks.enqueue(session, call, row=int(key))


@tasks.call
async def examine_payment(outside: Outside, row: int) -> None:
    """The provider's entries first, then what it says of intent, refunds and disputes: so nothing that happens
    meanwhile is in the entries alone. If that was news, or anything else was, all of it again."""
    for _ in range(ROUNDS):
        async with outside.begin() as session:
            payment = await get_payment(session, row)
            sources = await _sources_of(session, payment)
        await _read_entries(outside, payment, sources)
        await _ask_about(outside, payment, sources)
        if await _conclude(outside, payment):
            return
    raise NotNow(SOON)


async def _sources_of(session: AsyncSession, payment: Payment) -> dict[str, bool]:
    """What may have entries, by the provider's ids, and whether it is a dispute."""
    told = await told_of(session, payment)
    charge = (payment.payment_method or {}).get("charge")
    of = {entry.source_id: entry.type not in CHARGES + REFUNDS for entry in told.entries}
    of |= {charge: False} | {refund.stripe_refund_id: False for refund in told.refunds}
    of |= {dispute.stripe_dispute_id: True for dispute in told.disputes}
    return {source: disputed for source, disputed in of.items() if source}


async def _read_entries(outside: Outside, payment: Payment, sources: Iterable[str]) -> None:
    provider, asked = outside.client(Provider), set(sources)
    if payment.stripe_payment_intent_id and not any(source.startswith(("ch_", "py_")) for source in asked):
        with suppress(RefusedByProvider):
            intent = await provider.get_intent(payment.stripe_payment_intent_id)
            asked |= {str(charge)} if (charge := (intent.payment_method or {}).get("charge")) else set()
    for source in sorted(asked):
        await _read_entries_of(outside, source)


async def _read_entries_of(outside: Outside, source: str) -> None:
    with suppress(RefusedByProvider):
        told = await outside.client(Provider).entries_of(source)
        async with outside.begin() as session:
            await fees.keep(session, told)


async def _ask_about(outside: Outside, payment: Payment, sources: dict[str, bool]) -> None:
    """What webhooks never told is settled as if they had. Who does not answer is asked again, as a task."""
    provider, intent_id = outside.client(Provider), payment.stripe_payment_intent_id
    if intent_id is not None:
        await _ask_about_intent(outside, intent_id)
        with suppress(RefusedByProvider):
            for told in await provider.refunds_of(intent_id):
                async with outside.begin() as session:
                    await settle_refund(session, told)
    for source in (source for source, disputed in sources.items() if disputed):
        with suppress(RefusedByProvider, NotNow):
            await check_dispute(outside, source)


async def _ask_about_intent(outside: Outside, intent_id: str) -> None:
    with suppress(RefusedByProvider):
        intent = await outside.client(Provider).get_intent(intent_id)
        async with outside.begin() as session:
            await settle_intent(session, intent)


async def _conclude(outside: Outside, known: Payment) -> bool:
    """Says whether there was no news while we asked."""
    async with outside.begin() as session:
        payment = await get_payment(session, known.id, lock=True)
        if payment.version != known.version:
            return False
        await _note_settled(session, f"payment:{payment.id}", payment, await differences_now(session, payment))
        return True


@tasks.call
async def examine_payout(outside: Outside, row: int) -> None:
    """Its entries first, then what has come back of it."""
    async with outside.begin() as session:
        known = await session.get_one(Payout, row)
        back = {one.stripe_reversal_id for one in await reversals_of(session, row)}
    for source in sorted({known.stripe_transfer_id, *back} - {None}, key=str):
        await _read_entries_of(outside, str(source))
    with suppress(RefusedByProvider):
        await check_transfer(outside, row)
    async with outside.begin() as session:
        payout = await session.get_one(Payout, row, with_for_update=True)
        found = differences_of_payout(payout, await entries_of_payout(session, payout))
        await _note_settled(session, f"payout:{row}", payout, found)


@tasks.call
async def examine_stranger(outside: Outside, row: int) -> None:
    """An entry about nothing that we know: perhaps an intent of ours of which we never heard."""
    async with outside.begin() as session:
        entry = await session.get_one(Entry, row)
    if entry.intent_id:
        await _ask_about_intent(outside, entry.intent_id)
    async with outside.begin() as session:
        payment = await find_payment_behind(session, entry)
        if payment is not None:
            tasks.enqueue(session, examine_payment, row=payment.id)
        await _note(session, f"entry:{row}", [] if payment else [difference_of_stranger(entry)])


async def _note_settled(
    session: AsyncSession, about: str, compared: Payment | Payout, found: Sequence[Difference]
) -> None:
    """What is younger than an hour may not be booked yet."""
    if found and compared.updated_at > now() - SETTLES:
        raise NotNow(SETTLES)
    await _note(session, about, found)


async def _note(session: AsyncSession, about: str, found: Sequence[Difference]) -> None:
    """One row each, however often it is found; what is not found any more is over."""
    over = {(one.kind, one.subject): one for one in await lock_discrepancies_about(session, about)}
    for difference in found:
        known = over.pop((difference.kind, difference.subject), None) or await find_discrepancy_of(session, difference)
        if known is None or known.find_again(difference):
            FOUND.labels(difference.kind).inc()
            log.error("payments.discrepancy", kind=difference.kind, subject=difference.subject, about=about)
        if known is None:
            session.add(Discrepancy.of(about, difference))
    for healed in over.values():
        healed.heal()


async def assign(session: AsyncSession, discrepancy_id: int, owner: str, version: int | None = None) -> Discrepancy:
    found = await _expected(session, discrepancy_id, version)
    found.assign(owner)
    return found


async def explain(
    session: AsyncSession, discrepancy_id: int, owner: str, note: str, version: int | None = None
) -> Discrepancy:
    found = await _expected(session, discrepancy_id, version)
    found.explain(owner, note)
    return found


async def resolve(
    session: AsyncSession, discrepancy_id: int, owner: str, note: str, version: int | None = None
) -> Discrepancy:
    found = await _expected(session, discrepancy_id, version)
    found.resolve(owner, note)
    return found


async def _expected(session: AsyncSession, discrepancy_id: int, version: int | None) -> Discrepancy:
    found = await get_discrepancy(session, discrepancy_id, lock=True)
    found.expect(version)
    return found
