"""What was issued, and who may see it; numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged
from shared.papers import PaperKind

from ..domain.affiliate import Affiliate
from ..domain.bill import Bill
from ..domain.dossier import Dossier
from ..domain.invoice import Invoice, NoSuchInvoice, NumberRange
from ..domain.payment import Payment

LOCK_DOSSIER = text("select pg_advisory_xact_lock(hashtextextended('papers of booking ' || :booking_id, 0))")


async def lock_dossier(session: AsyncSession, booking_id: int) -> Dossier:
    """Of a booking; whoever else wants to issue something of it waits. Its payments may go on meanwhile: what becomes
    of them is told, and looked at again."""
    await session.execute(LOCK_DOSSIER, {"booking_id": str(booking_id)})
    payments = select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id)
    issued = select(Invoice).where(Invoice.booking_id == booking_id).order_by(Invoice.id)
    bill = await session.get(Bill, booking_id)
    return Dossier((await session.scalars(payments)).all(), bill, list(await session.scalars(issued)))


async def insert_bill(session: AsyncSession, bill: dict[str, Any]) -> None:
    """Unless the booking has one."""
    await session.execute(insert(Bill).values(bill).on_conflict_do_nothing())


async def find_seller(session: AsyncSession, affiliate_id: int) -> Affiliate | None:
    return await session.get(Affiliate, affiliate_id)


async def bookings_without_papers(
    session: AsyncSession, *, billed: datetime, paid: datetime, limit: int
) -> Sequence[int]:
    """Billed since then and not invoiced, or paid since then without a receipt, though it is known who sells."""
    invoiced = exists().where(Invoice.booking_id == Bill.booking_id, Invoice.kind == PaperKind.INVOICE)
    receipted = exists().where(Invoice.booking_id == Payment.booking_id, Invoice.payment_id == Payment.id)
    bills = select(Bill.booking_id).join(Affiliate, Affiliate.affiliate_id == Bill.affiliate_id)
    payments = select(Payment.booking_id).join(Affiliate, Affiliate.affiliate_id == Payment.affiliate_id)
    of_late = payments.where(Payment.captured_at > paid, Payment.captured_cents > 0, ~Payment.surplus, ~receipted)
    return (await session.scalars(bills.where(Bill.created_at > billed, ~invoiced).union(of_late).limit(limit))).all()


async def take_number(session: AsyncSession, kind: PaperKind, issuer_id: int, year: int) -> int:
    """The next in its range, which is locked until the transaction ends: who rolls back gives it back, and no other has
    gone on from it. So it is taken last."""
    row = insert(NumberRange).values(kind=kind, issuer_id=issuer_id, year=year, last=1)
    following = {"last": NumberRange.last + 1, "updated_at": func.now()}
    taken = row.on_conflict_do_update(index_elements=["kind", "issuer_id", "year"], set_=following)
    return (await session.scalars(taken.returning(NumberRange.last))).one()


async def ranges_with_holes(session: AsyncSession) -> Sequence[Any]:
    """Ranges in which the last number is not how many there are: kind, issuer, year, last, issued."""
    same = (Invoice.kind == NumberRange.kind) & (Invoice.issuer_id == NumberRange.issuer_id)
    same &= Invoice.year == NumberRange.year
    issued, keys = func.count(Invoice.id), (NumberRange.kind, NumberRange.issuer_id, NumberRange.year)
    counted = select(*keys, NumberRange.last, issued).outerjoin(Invoice, same).group_by(*keys)
    return (await session.execute(counted.having(issued != NumberRange.last).order_by(*keys))).all()


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    if actor.is_staff:
        return Invoice.id.is_not(None)
    of_theirs = Invoice.affiliate_id.in_([id for id in actor.affiliates if actor.runs(id)])
    return or_(Invoice.customer_id == actor.customer_id, of_theirs) if actor.customer_id else of_theirs


async def invoices_for(
    session: AsyncSession, actor: Actor, page: Page, booking_id: int | None, kind: PaperKind | None
) -> Paged[Invoice]:
    """Those that this actor may see."""
    statement = select(Invoice).where(_visible_to(actor))
    if booking_id is not None:
        statement = statement.where(Invoice.booking_id == booking_id)
    if kind is not None:
        statement = statement.where(Invoice.kind == kind)
    return await page.of(session, statement, Invoice.issued_at, Invoice.id, descending=True)


async def invoice_for(session: AsyncSession, actor: Actor, invoice_id: int) -> Invoice:
    """One that this actor may see; to all others it does not exist."""
    invoice = await session.get(Invoice, invoice_id)
    if invoice is None or not invoice.may_be_seen_by(actor):
        raise NoSuchInvoice
    return invoice
