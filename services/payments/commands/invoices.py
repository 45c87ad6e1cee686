"""Receipts, invoices and credit notes: what is missing of a booking is issued, each in a number range without holes."""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.consumers import keep_newest
from shared.contracts.booking import BookingCompleted
from shared.contracts.catalog import AffiliateEvent
from shared.contracts.payments import InvoiceIssued
from shared.outbox import record
from shared.papers import Paper
from shared.tasks import Outside

from ..domain.affiliate import Affiliate
from ..domain.bill import Bill, Billable, bill_of
from ..domain.billing_name import InvoiceName
from ..domain.dossier import Dossier
from ..domain.invoice import Draft, Invoice, issuer_of, number_of
from ..domain.letterhead import Letterhead
from ..queries.billing_names import find_billing_name
from ..queries.bookings import keep_booking
from ..queries.invoices import bookings_without_papers, find_seller, insert_bill, lock_dossier, take_number
from . import tasks

log = structlog.get_logger()

# Named, because an event may grow by fields that are not for us.
SELLER = {"affiliate_id", "version", "name", "city", "state", "zip"}


async def keep_seller(session: AsyncSession, event: AffiliateEvent) -> None:
    await keep_newest(session, Affiliate, event.model_dump(include=SELLER))


async def bill(session: AsyncSession, event: Billable) -> None:
    """Once per booking. A job of which we have heard that it was called off after all is not billed."""
    wanted = bill_of(event)
    if wanted is None:
        return
    known = await keep_booking(session, event)
    if isinstance(event, BookingCompleted) and known.is_gone:
        return
    await insert_bill(session, {column.key: getattr(wanted, column.key) for column in Bill.__table__.c})
    want_papers(session, event.booking_id)


def want_papers(session: AsyncSession, booking_id: int) -> None:
    """Something happened of which there may have to be a paper."""
    tasks.enqueue(session, issue_papers, booking_id=booking_id)


async def look_for_missing(session: AsyncSession, *, billed: datetime, paid: datetime, limit: int) -> None:
    """Heals what waited for a name: bills and payments since then."""
    for booking_id in await bookings_without_papers(session, billed=billed, paid=paid, limit=limit):
        want_papers(session, booking_id)


@tasks.call
async def issue_papers(outside: Outside, booking_id: int) -> None:
    """All that is missing, each in a transaction of its own, so none holds two number ranges. What waits for its
    seller's name is looked for again by a job."""
    while await _issue_next(outside, booking_id):
        pass


async def _issue_next(outside: Outside, booking_id: int) -> bool:
    letterhead = outside.client(Letterhead)
    async with outside.begin() as session:
        dossier = await lock_dossier(session, booking_id)
        draft = dossier.next_missing(letterhead.day(now()))
        if draft is None or dossier.whose is None:
            return False
        seller = await find_seller(session, dossier.whose.affiliate_id)
        if seller is None:
            log.warning("paper.waits_for_seller", booking_id=booking_id)
            return False
        await _issue(session, dossier, draft, seller, letterhead)
        return True


async def _issue(
    session: AsyncSession, dossier: Dossier, draft: Draft, seller: Affiliate, letterhead: Letterhead
) -> None:
    of, at = dossier.whose, now()
    assert of is not None
    day, issuer_id = letterhead.day(at), issuer_of(draft.kind, of.affiliate_id)
    ordinal = await take_number(session, draft.kind, issuer_id, day.year)
    paper = Paper(
        kind=draft.kind,
        number=number_of(draft.kind, issuer_id, day.year, ordinal),
        issued_at=at,
        issued_on=day,
        seller=seller.party,
        agent=letterhead.platform,
        customer_id=of.customer_id,
        booking_id=of.booking_id,
        subject=dossier.bill.subject if dossier.bill else "",
        currency=of.currency,
        **draft.content,
    )
    invoice = Invoice.of(paper, draft, affiliate_id=of.affiliate_id, issuer_id=issuer_id, ordinal=ordinal)
    session.add(invoice)
    await session.flush()
    lines = await _in_name_of(session, invoice)
    record(session, InvoiceIssued.of(invoice, billed_to="\n".join(lines)))


async def _in_name_of(session: AsyncSession, invoice: Invoice) -> list[str]:
    """What its customer wants on it by now."""
    wanted = await find_billing_name(session, invoice.customer_id)
    if wanted is None:
        return []
    session.add(InvoiceName(invoice_id=invoice.id, customer_id=invoice.customer_id, lines=wanted.lines))
    return wanted.lines
