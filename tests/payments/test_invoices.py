"""Receipts, invoices and credit notes: numbered without holes, each once, whatever comes in whichever order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pypdf import PdfReader
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.payments.clients import Provider
from services.payments.commands import invoices as commands
from services.payments.commands.disputes import check_dispute
from services.payments.domain.invoice import Invoice
from services.payments.domain.letterhead import Letterhead
from services.payments.domain.life import Purpose
from services.payments.domain.provider import ProviderDispute
from services.payments.jobs import issue_missing_papers
from services.payments.queries.invoices import ranges_with_holes, take_number
from shared.auth import Actor, Role
from shared.clock import frozen
from shared.contracts.catalog import AffiliateChanged
from shared.contracts.payments import InvoiceIssued, PaymentCaptured, PaymentDisputed, PaymentRefunded
from shared.db import Database
from shared.papers import Paper, PaperKind
from shared.pricing import LineItem, LineKind
from shared.tasks import Outside
from shared.testing.plugin import Published, recorded_in
from shared.testing.tokens import ADMIN, customer, member

from .conftest import (
    AFFILIATE,
    CUSTOMER,
    PRICE,
    STATE,
    As,
    Till,
    applied,
    cancelled,
    completed,
    missed,
    refund_due,
)
from .test_disputes import opens

TAX = 1_541
LINES = [
    LineItem(kind=LineKind.SERVICE, label="Gold", amount_cents=PRICE - TAX + 1_000),
    LineItem(kind=LineKind.PROMOTION, label="SPRING", amount_cents=-1_000),
    LineItem(kind=LineKind.TAX, label="Tax 8.875 %", amount_cents=TAX),
]
SOLD: dict[str, Any] = {"lines": LINES, "tax_cents": TAX}
RECEIPT, INVOICE, CREDIT_NOTE = PaperKind


async def known(till: Till) -> None:
    """Payments knows who sells."""
    await till.deliver(applied())


async def follow(till: Till) -> None:
    """What payments tells itself of money, and what follows."""
    for event in await recorded_in(till.database):
        if isinstance(event, PaymentCaptured | PaymentRefunded | PaymentDisputed):
            await till.deliver(event)
    await till.work()


async def papers(till: Till) -> list[Paper]:
    async with till.database.begin() as session:
        return [one.paper for one in await session.scalars(select(Invoice).order_by(Invoice.id))]


async def sums(till: Till) -> list[tuple[PaperKind, int, int]]:
    return [(paper.kind, paper.total_cents, paper.tax_cents) for paper in await papers(till)]


async def refund(till: Till, as_: As, cents: int, payment_id: int | None = None) -> None:
    """By staff, sent and confirmed."""
    of = payment_id or (await till.payment()).id
    body = {"amount_cents": cents, "reason": "The paint was scratched."}
    path = f"/payments/v1/payments/{of}/refund-requests"
    assert (await till.client.post(path, json=body, headers=as_(ADMIN))).status_code == 201
    await till.work()


async def paid_and_done(till: Till) -> None:
    await known(till)
    await till.captured(**SOLD)
    await till.hear(completed(**SOLD))
    await follow(till)


async def test_money_that_came_has_a_receipt_and_a_job_that_is_done_an_invoice(
    till: Till, published: Published
) -> None:
    await paid_and_done(till)
    await follow(till)
    receipt, invoice = await papers(till)
    year = receipt.issued_on.year
    assert (receipt.number, invoice.number) == (f"R-{year}-000001", f"I-{AFFILIATE}-{year}-000001")
    assert (receipt.total_cents, [line.label for line in receipt.lines]) == (PRICE, ["Payment"])
    assert [(line.label, line.amount_cents) for line in invoice.lines] == [
        ("Gold", PRICE - TAX + 1_000), ("Promotion SPRING", -1_000), ("Tax 8.875 %", TAX),
    ]  # fmt: skip
    assert [(one.label, one.amount_cents) for one in invoice.settled] == [(f"Payment ({receipt.number})", PRICE)]
    assert (invoice.due_cents, invoice.tax_cents, invoice.performed_on) == (0, TAX, date(2030, 1, 7))
    assert (invoice.seller.name, invoice.seller.details) == ("Shine", ["Brooklyn, NY 11201"])
    assert (invoice.agent.name, invoice.customer_id) == ("Mobile Detail Hub", CUSTOMER)
    told = await published(InvoiceIssued)
    assert [event.paper for event in told] == [receipt, invoice]


async def test_a_refund_after_the_invoice_is_credited_and_its_tax_with_it_to_the_cent(till: Till, as_: As) -> None:
    await paid_and_done(till)
    for cents in (6_300, 6_300, 6_300):
        await refund(till, as_, cents)
        await follow(till)
    notes = [paper for paper in await papers(till) if paper.kind is CREDIT_NOTE]
    assert [note.total_cents for note in notes] == [6_300] * 3
    assert [note.tax_cents for note in notes] == [514, 513, 514]  # a third is 513.67
    invoice = next(paper for paper in await papers(till) if paper.kind is INVOICE)
    assert {note.refers_to for note in notes} == {invoice.number}
    assert notes[0].lines[-1].label == "Tax 8.875 %"


async def bank_says(till: Till, dispute_id: str, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """News of a dispute, and the papers that follow."""
    told = replace(await till.outside.client(Provider).get_dispute(dispute_id), **more)

    async def get_dispute(*_: object) -> ProviderDispute:
        return told

    with monkeypatch.context() as patched:
        patched.setattr(Provider, "get_dispute", get_dispute)
        await check_dispute(till.outside, dispute_id)
    await till.deliver([event for event in await recorded_in(till.database) if isinstance(event, PaymentDisputed)][-1])
    await till.work()


async def test_what_a_bank_takes_for_good_is_credited_and_taken_back_if_it_returns_it(
    till: Till, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paid_and_done(till)
    await refund(till, as_, 900)
    await follow(till)
    intent_id = await till.intent_id()
    dispute_id = await opens(till.sandbox, intent_id, amount=10_000)
    await bank_says(till, dispute_id, monkeypatch)
    assert [kind for kind, *_ in await sums(till)] == [RECEIPT, INVOICE, CREDIT_NOTE]
    for lost, withdrawn in ((True, 10_000), (True, 10_000), (False, 0), (True, 10_000)):
        status = "lost" if lost else "won"
        await bank_says(till, dispute_id, monkeypatch, status=status, withdrawn_cents=withdrawn)
    assert await sums(till) == [
        (RECEIPT, PRICE, 0), (INVOICE, PRICE, TAX), (CREDIT_NOTE, 900, 73),
        (CREDIT_NOTE, 10_000, 816), (INVOICE, 10_000, 816), (CREDIT_NOTE, 10_000, 816),
    ]  # fmt: skip
    invoice, _, credit, again, _ = (await papers(till))[1:]
    assert credit.lines[0].label == f"Credit on invoice {invoice.number}: taken back by your bank"
    assert (again.lines[0].label, again.refers_to) == (f"Credit note {credit.number} taken back", credit.number)
    assert (again.due_cents, again.number) == (0, invoice.number[:-1] + "2")
    async with till.database.begin() as session:
        assert await ranges_with_holes(session) == []


async def test_a_refund_before_the_job_was_done_is_credited_once_it_is_invoiced(till: Till, as_: As) -> None:
    await known(till)
    await till.captured(**SOLD)
    await refund(till, as_, 1_001)
    await follow(till)
    assert [kind for kind, *_ in await sums(till)] == [RECEIPT]
    await till.hear(completed(**SOLD), completed(**SOLD))
    await follow(till)
    assert [(kind, cents) for kind, cents, _ in await sums(till)] == [
        (RECEIPT, PRICE), (INVOICE, PRICE), (CREDIT_NOTE, 1_001),
    ]  # fmt: skip


async def test_done_before_the_money_was_heard_of_gives_each_paper_once(till: Till) -> None:
    await known(till)
    intent_id = await till.ready(**SOLD)
    await till.hear(completed(**SOLD))
    await till.pay(intent_id)
    await follow(till)
    invoice, receipt = await papers(till)
    assert (invoice.kind, invoice.due_cents, invoice.settled) == (INVOICE, PRICE, [])
    assert (receipt.kind, receipt.refers_to) == (RECEIPT, invoice.number)


async def test_what_went_back_because_it_got_cheaper_is_no_credit(till: Till) -> None:
    await known(till)
    await till.captured(price_cents=PRICE + 1_999)
    await till.hear(refund_due(version=3, refund_cents=1_999), completed(**SOLD))
    await follow(till)
    assert [kind for kind, *_ in await sums(till)] == [RECEIPT, INVOICE]
    invoice = (await papers(till))[-1]
    assert [one.amount_cents for one in invoice.settled] == [PRICE + 1_999, -1_999]
    assert (invoice.total_cents, invoice.due_cents) == (PRICE, 0)


@pytest.mark.parametrize("late_first", [True, False])
async def test_a_fee_that_is_kept_is_invoiced_and_the_rest_no_credit(till: Till, late_first: bool) -> None:
    fee = 4_725
    await known(till)
    await till.captured(**SOLD)
    gone = cancelled(refund_cents=PRICE - fee, kept_cents=fee, **SOLD)
    told = [gone, gone] if late_first else [gone]
    await till.hear(*told)
    await follow(till)
    await till.hear(completed(version=2, **SOLD))
    await follow(till)
    assert await sums(till) == [(RECEIPT, PRICE, 0), (INVOICE, fee, 385)]
    assert [(line.label, line.amount_cents) for line in (await papers(till))[-1].lines] == [
        ("Fee for cancelling late: Full, Gold", fee - 385), ("Tax 8.875 %", 385),
    ]  # fmt: skip


async def test_a_missed_appointment_is_invoiced_by_what_was_kept(till: Till) -> None:
    await known(till)
    await till.captured()
    await till.hear(missed(refund_cents=0, kept_cents=PRICE))
    await follow(till)
    assert await sums(till) == [(RECEIPT, PRICE, 0), (INVOICE, PRICE, 0)]


@pytest.mark.parametrize("gone", [cancelled(refund_cents=PRICE, kept_cents=0), cancelled(refund_cents=PRICE)])
async def test_what_is_cancelled_for_nothing_is_not_invoiced(till: Till, gone: Any) -> None:
    await known(till)
    await till.captured()
    await till.hear(gone, completed(version=2))
    await follow(till)
    assert [kind for kind, *_ in await sums(till)] == [RECEIPT]


async def test_a_fee_that_is_taken_only_now_is_on_the_invoice(till: Till) -> None:
    await known(till)
    await till.hear(cancelled(payment_mode="authorise", kept_cents=0, fee_due_cents=900))
    assert await sums(till) == [(INVOICE, 900, 0)]


async def test_what_is_paid_at_the_door_is_set_against_the_price(till: Till) -> None:
    await known(till)
    way: dict[str, Any] = {"payment_mode": "on_site"}
    await till.hear(completed(**way, **SOLD))
    [invoice] = await papers(till)
    assert [(one.label, one.amount_cents) for one in invoice.settled] == [("Paid at the door", PRICE)]
    assert invoice.due_cents == 0


async def test_a_deposit_is_set_against_the_price_and_the_rest_has_its_receipt(till: Till) -> None:
    await known(till)
    way: dict[str, Any] = {"payment_mode": "deposit", "deposit_cents": 4_000}
    await till.captured(**way, **SOLD)
    await follow(till)
    await till.hear(completed(**way, **SOLD))
    await follow(till)
    said = {paper.lines[0].label: paper.total_cents for paper in await papers(till) if paper.kind is RECEIPT}
    assert said == {"Deposit": 4_000, "Rest of the price": PRICE - 4_000}
    invoice = next(paper for paper in await papers(till) if paper.kind is INVOICE)
    assert invoice.settled[0].label.startswith("Deposit (R-")


async def test_a_tip_has_a_receipt_and_is_no_part_of_the_price(till: Till, as_: As) -> None:
    await paid_and_done(till)
    answer = await till.client.post(
        "/payments/v1/bookings/1/tips", json={"amount_cents": 500}, headers=as_(customer(CUSTOMER))
    )
    await till.work()
    tip = (await till.payments())[-1]
    assert tip.id == answer.json()["id"]
    await till.pay(str(tip.stripe_payment_intent_id))
    await follow(till)
    await refund(till, as_, 200, tip.id)
    await follow(till)
    assert [(kind, cents) for kind, cents, _ in await sums(till)] == [
        (RECEIPT, PRICE),
        (INVOICE, PRICE),
        (RECEIPT, 500),
        (CREDIT_NOTE, 200),
    ]
    _, invoice, receipt, credit = await papers(till)
    assert (receipt.refers_to, credit.refers_to) == (invoice.number, receipt.number)


async def test_a_tip_that_a_bank_takes_is_credited_and_what_it_returns_has_a_receipt(
    till: Till, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paid_and_done(till)
    await till.client.post("/payments/v1/bookings/1/tips", json={"amount_cents": 500}, headers=as_(customer(CUSTOMER)))
    await till.work()
    intent_id = await till.pay(await till.intent_id(purpose=Purpose.TIP))
    await follow(till)
    dispute_id = await opens(till.sandbox, intent_id)
    for status, withdrawn in (("lost", 500), ("lost", 500), ("won", 0), ("lost", 500)):
        await bank_says(till, dispute_id, monkeypatch, status=status, withdrawn_cents=withdrawn)
    assert [(kind, cents) for kind, cents, _ in await sums(till)][2:] == [
        (RECEIPT, 500), (CREDIT_NOTE, 500), (RECEIPT, 500), (CREDIT_NOTE, 500),
    ]  # fmt: skip


async def test_what_costs_nothing_has_no_papers(till: Till) -> None:
    await known(till)
    await till.hear(completed(price_cents=0, commission_cents=0))
    await follow(till)
    assert await papers(till) == []


async def test_who_sells_is_waited_for(till: Till) -> None:
    await till.captured()
    await till.hear(completed())
    await follow(till)
    assert (await papers(till), await till.waiting()) == ([], [])
    await look_again(till)
    assert await papers(till) == []
    await known(till)
    await till.deliver(AffiliateChanged(**STATE | {"version": 2, "application_status": "approved", "name": "Shinier"}))
    await look_again(till)
    assert [paper.seller.name for paper in await papers(till)] == ["Shinier"] * 2
    await look_again(till)
    assert len(await papers(till)) == 2


async def look_again(till: Till) -> None:
    async with till.database.begin() as session:
        await issue_missing_papers(session)
    await till.work()


# -- numbers --


async def test_fifty_at_once_some_of_them_rolled_back_leave_no_hole(fresh_database: Database) -> None:
    taken: list[int] = []

    async def issue(number: int) -> None:
        async with fresh_database.begin() as session:
            got = await take_number(session, INVOICE, AFFILIATE, 2030)
            if number % 5 == 0:
                raise ZeroDivisionError
        taken.append(got)

    done = await asyncio.gather(*(issue(number) for number in range(50)), return_exceptions=True)
    assert [type(one) for one in done if one] == [ZeroDivisionError] * 10
    assert sorted(taken) == list(range(1, 41))


async def test_fifty_bookings_at_once_are_numbered_one_to_fifty(fresh_till: Till) -> None:
    """With a crash in every fifth, after its number was taken."""
    await known(fresh_till)
    for booking_id in range(1, 51):
        await fresh_till.deliver(completed(booking_id, payment_mode="on_site"))
    crashing = Crashing(fresh_till.database, (fresh_till.outside.client(Letterhead),))
    first = [crashing if booking_id % 5 == 0 else fresh_till.outside for booking_id in range(1, 51)]
    for outsides in (first, [fresh_till.outside] * 50):
        calls = [commands.issue_papers(outside, number) for number, outside in enumerate(outsides, 1)]
        await asyncio.gather(*calls, return_exceptions=True)
    found = await papers(fresh_till)
    assert sorted(int(paper.number[-6:]) for paper in found) == list(range(1, 51))
    assert len({paper.booking_id for paper in found}) == 50


async def test_asked_at_once_for_the_same_booking_each_paper_is_issued_once(fresh_till: Till) -> None:
    await known(fresh_till)
    await fresh_till.captured()
    await fresh_till.deliver(completed())
    await asyncio.gather(*(commands.issue_papers(fresh_till.outside, 1) for _ in range(10)))
    assert [kind for kind, *_ in await sums(fresh_till)] == [RECEIPT, INVOICE]


class Crashing(Outside):
    """Whose transactions fail at their end."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        async with super().begin() as session:
            yield session
            raise ZeroDivisionError


async def test_the_year_turns_where_the_platform_is(till: Till) -> None:
    """At six in the morning of January 1st, UTC, it is still last year in Honolulu."""
    letterhead = till.outside.client(Letterhead)
    there = Letterhead(letterhead.platform, ZoneInfo("Pacific/Honolulu"))
    outside = Outside(till.database, (there,))
    await known(till)
    turn = [datetime(2031, 1, 1, 6, tzinfo=UTC), datetime(2031, 1, 1, 9, 59, 59, tzinfo=UTC),
            datetime(2031, 1, 1, 10, tzinfo=UTC), datetime(2031, 1, 1, 12, tzinfo=UTC)]  # fmt: skip
    for booking_id, at in enumerate(turn, 1):
        await till.deliver(completed(booking_id, payment_mode="on_site"))
        with frozen(at):
            await commands.issue_papers(outside, booking_id)
    assert [(paper.number[5:], str(paper.issued_on)) for paper in await papers(till)] == [
        ("2030-000001", "2030-12-31"), ("2030-000002", "2030-12-31"),
        ("2031-000001", "2031-01-01"), ("2031-000002", "2031-01-01"),
    ]  # fmt: skip


# -- what was issued stays --


@pytest.mark.parametrize("change", ["update invoices set total_cents = 1", "delete from invoices", "truncate invoices"])
async def test_what_is_issued_stays_issued(till: Till, change: str) -> None:
    await paid_and_done(till)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with till.database.begin() as session:
            await session.execute(text(change))


async def test_its_owner_cannot_change_it_either(fresh_till: Till, as_owner: Callable[[str], Any]) -> None:
    await paid_and_done(fresh_till)
    with pytest.raises(Exception, match="what is issued stays as it is"):
        await as_owner("update invoices set number = 'X'")


async def test_a_paper_that_does_not_add_up_is_not_issued(till: Till) -> None:
    await paid_and_done(till)
    [receipt, _] = await papers(till)
    wrong = receipt.model_dump(mode="json") | {"total_cents": 1}
    with pytest.raises(ValueError, match="do not add up"):
        Paper.model_validate(wrong)
    copy = (
        "insert into invoices (kind, issuer_id, year, ordinal, number, cause, booking_id, customer_id, affiliate_id,"
        " payment_id, currency, total_cents, tax_cents, paper, issued_at) select kind, issuer_id, year, 99, 'X', 'X',"
        " booking_id, customer_id, affiliate_id, payment_id, currency, total_cents - 1, tax_cents, paper, issued_at"
        " from invoices where payment_id is not null"
    )
    with pytest.raises(IntegrityError, match="ck_invoices_sum"):
        async with till.database.begin() as session:
            await session.execute(text(copy))


# -- who sees it --


async def listed(till: Till, as_: As, actor: Actor, query: str = "") -> list[str]:
    answer = await till.client.get(f"/payments/v1/invoices{query}", headers=as_(actor))
    assert answer.status_code == 200
    return [item["kind"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("actor", "sees"),
    [
        (customer(CUSTOMER), True),
        (customer(CUSTOMER + 1), False),
        (member(AFFILIATE, Role.OWNER), True),
        (member(AFFILIATE, Role.MANAGER), True),
        (member(AFFILIATE, Role.TECHNICIAN), False),
        (member(AFFILIATE + 1, Role.OWNER), False),
        (ADMIN, True),
    ],
)
async def test_customers_owners_and_staff_see_theirs(till: Till, as_: As, actor: Actor, sees: bool) -> None:
    await paid_and_done(till)
    assert await listed(till, as_, actor) == (["invoice", "receipt"] if sees else [])
    for path in await paths(till):
        assert (await till.client.get(path, headers=as_(actor))).status_code == (200 if sees else 404)
    if sees:
        assert await listed(till, as_, actor, "?kind=receipt") == ["receipt"]
        assert await listed(till, as_, actor, "?booking_id=2") == []


async def paths(till: Till) -> list[str]:
    async with till.database.begin() as session:
        [invoice_id] = await session.scalars(select(Invoice.id).where(Invoice.kind == INVOICE))
    return [f"/payments/v1/invoices/{invoice_id}", f"/payments/v1/invoices/{invoice_id}/pdf"]


async def test_the_list_takes_one_statement(
    till: Till, as_: As, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await paid_and_done(till)
    await listed(till, as_, customer(CUSTOMER))
    with statements() as sent:
        await listed(till, as_, customer(CUSTOMER))
    assert len(sent) == 1


async def test_the_pdf_is_the_same_bytes_each_time(till: Till, as_: As) -> None:
    await paid_and_done(till)
    _, path = await paths(till)
    first, second = [await till.client.get(path, headers=as_(customer(CUSTOMER))) for _ in range(2)]
    assert first.content == second.content
    assert shown(first).startswith("Mobile Detail Hub")
    invoice = (await papers(till))[-1]
    assert first.headers["content-type"] == "application/pdf"
    assert first.headers["content-disposition"] == f'attachment; filename="{invoice.number}.pdf"'
    assert first.headers["cache-control"] == "no-store"
    for word in (
        invoice.number,
        "Shine",
        "Tax 8.875 %",
        "$15.41",
        "$189.00",
        "on behalf of Shine",
        f"Customer {CUSTOMER}",
    ):
        assert word in shown(first), word


def shown(answer: httpx.Response) -> str:
    """The text of a PDF."""
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
