"""Papers as PDF: made of what a paper says and of nothing else, so one paper is the same bytes wherever it is drawn."""

from collections.abc import Iterator

from shared.documents import Column, Document, Table
from shared.money import shown
from shared.papers import Paper, PaperKind, PaperPayment

TITLES = {PaperKind.RECEIPT: "Receipt", PaperKind.INVOICE: "Invoice", PaperKind.CREDIT_NOTE: "Credit note"}

REFERS_TO = {"C": "Credit note", "R": "Receipt"}  # by the initial of its number


def pdf_of(paper: Paper) -> bytes:
    """Costs some time to compute (`asyncio.to_thread`)."""
    seller = ("Service by", [paper.seller.name, *paper.seller.details])
    return Document(
        title=f"{TITLES[paper.kind]} {paper.number}",
        made_at=paper.issued_at,
        facts=list(_facts(paper)),
        parties=[seller, ("Customer", [*paper.billed_to, f"Customer {paper.customer_id}"])],
        tables=list(_tables(paper)),
        notes=[_in_whose_name(paper)],
        issuer=paper.agent.name,
    ).as_pdf()


def _facts(paper: Paper) -> Iterator[tuple[str, str]]:
    yield "Date", str(paper.issued_on)
    yield "Booking", f"{paper.booking_id}, {paper.subject}" if paper.subject else f"{paper.booking_id}"
    if paper.performed_on:
        yield "Date of service", str(paper.performed_on)
    if paper.refers_to:
        yield REFERS_TO.get(paper.refers_to[0], "Invoice"), paper.refers_to


def _tables(paper: Paper) -> Iterator[Table]:
    columns = [Column("Item", 4), Column("Amount", 1, number=True)]
    lines = [(line.label, shown(line.amount_cents, paper.currency)) for line in paper.lines]
    yield Table(columns, lines, totals=list(_totals(paper)))
    if paper.beside:
        yield Table(columns, [_row(payment, paper.currency) for payment in paper.beside], heading="Paid on top of it")


def _totals(paper: Paper) -> Iterator[tuple[str, str]]:
    yield "Total", shown(paper.total_cents, paper.currency)
    if paper.kind is PaperKind.INVOICE:
        yield from (_row(payment, paper.currency) for payment in paper.settled)
        yield "To go back" if paper.due_cents < 0 else "To be paid", shown(abs(paper.due_cents), paper.currency)


def _in_whose_name(paper: Paper) -> str:
    agent = ", ".join([paper.agent.name, *paper.agent.details])
    if paper.kind is PaperKind.RECEIPT:
        return f"Received by {agent} for {paper.seller.name}."
    return f"Issued by {agent} in the name and on behalf of {paper.seller.name}."


def _row(payment: PaperPayment, currency: str) -> tuple[str, str]:
    return f"{payment.label}, {payment.paid_on}", shown(payment.amount_cents, currency)
