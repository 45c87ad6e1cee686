"""Statements: every line of the books that is about an affiliate, in the month to which it belongs, in three forms."""

import csv
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import httpx
import pypdf
import pytest

from services.payments.commands.disputes import check_dispute
from services.payments.commands.reconciliation import check_intent
from services.payments.domain.life import Purpose
from services.payments.domain.statement import Month, NoSuchStatement
from shared.auth import Role
from shared.clock import frozen
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, CUSTOMER, PRICE, As, Till, cancelled, completed, held
from .payday import AT_ONCE, COMMISSION, HOLD, SHARE, has_account, owed, payday
from .test_disputes import answers, opens

PATH = f"/payments/v1/affiliates/{AFFILIATE}/statements"
NOVEMBER, DECEMBER = datetime(2026, 11, 5, 12, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
JANUARY = datetime(2027, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TAX, TIP, BACK = 1_400, 2_000, 1_000
FIRST_PAYOUT = SHARE - TAX + TIP - COMMISSION


async def seen(till: Till, as_: As, month: str, form: str = "", at: datetime = JANUARY) -> httpx.Response:
    with frozen(at):
        return await till.client.get(f"{PATH}/{month}{form}", headers=as_(member(AFFILIATE, Role.MANAGER)))


async def account(till: Till, as_: As, month: str, at: datetime = JANUARY) -> Any:
    [found] = (await seen(till, as_, month, at=at)).json()["accounts"]
    return found


async def paid(till: Till, booking_id: int, purpose: Purpose = Purpose.BOOKING) -> str:
    """Asked about and not told, because what the provider tells has the time of now."""
    payment = await till.payment(booking_id, purpose)
    await till.sandbox.confirm(str(payment.stripe_payment_intent_id), AT_ONCE)
    await check_intent(till.outside, payment_id=payment.id)
    return str(payment.stripe_payment_intent_id)


async def two_months(till: Till, as_: As) -> None:
    """In November a job with a tip, one that was paid at the door, and a payout; in December a part goes back, and
    another job's payment is lost to its customer's bank."""
    await has_account(till)
    with frozen(NOVEMBER):
        await till.hear(held(1, tax_cents=TAX))
        await paid(till, 1)
        await till.hear(completed(1, tax_cents=TAX))
        await till.hear(held(5, payment_mode="on_site"), completed(5, payment_mode="on_site"))
        headers = as_(customer(CUSTOMER))
        await till.client.post("/payments/v1/bookings/1/tips", json={"amount_cents": TIP}, headers=headers)
        await till.work()
        await paid(till, 1, Purpose.TIP)
        await payday(till, HOLD)
    with frozen(DECEMBER):
        await till.hear(cancelled(1, version=9, refund_cents=BACK))
        await till.hear(held(2))
        dispute_id = await opens(till.sandbox, await paid(till, 2))
        await answers(till.sandbox, dispute_id, "losing_evidence")
        await check_dispute(till.outside, stripe_dispute_id=dispute_id)


def parts(line: dict[str, Any]) -> tuple[Any, ...]:
    names = ("gross", "commission", "tax", "amount", "balance")
    return line["kind"], line["booking_id"], *(line[f"{name}_cents"] for name in names)


# -- months --


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [("2026-11", datetime(2026, 11, 1, tzinfo=UTC), DECEMBER), ("2026-12", DECEMBER, datetime(2027, 1, 1, tzinfo=UTC))],
)
def test_a_month_ends_where_the_next_begins(name: str, start: datetime, end: datetime) -> None:
    month = Month.named(name, JANUARY)
    assert (month.start, month.end, str(month)) == (start, end, name)


def test_a_month_that_has_not_begun_has_no_statement() -> None:
    assert Month.named("2026-12", DECEMBER).start == DECEMBER
    with pytest.raises(NoSuchStatement):
        Month.named("2026-12", DECEMBER - SECOND)


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "1026-11", "2026-11-01", "20\u0662\u0666-11"])
async def test_what_is_no_month_is_refused(till: Till, as_: As, month: str) -> None:
    assert (await seen(till, as_, month)).status_code == 422


async def test_of_a_month_to_come_there_is_none(till: Till, as_: As) -> None:
    answer = await seen(till, as_, "2027-02")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-statement")


# -- what is in it --


async def test_every_line_says_what_it_is_and_they_add_up(banked: Till, as_: As) -> None:
    await two_months(banked, as_)
    november, december = await account(banked, as_, "2026-11"), await account(banked, as_, "2026-12")
    share = SHARE - TAX
    assert [parts(line) for line in november["lines"]] == [
        ("opening", None, 0, 0, 0, 0, 0),
        ("payment", 1, PRICE, COMMISSION, TAX, share, share),
        ("paid_on_site", 5, 0, COMMISSION, 0, -COMMISSION, share - COMMISSION),
        ("tip", 1, TIP, 0, 0, TIP, FIRST_PAYOUT),
        ("payout", None, 0, 0, 0, -FIRST_PAYOUT, 0),
    ]
    assert november["sums"] == {"payment": share, "tip": TIP, "paid_on_site": -COMMISSION, "payout": -FIRST_PAYOUT}
    opening, refund, payment, dispute = december["lines"]
    assert (opening["kind"], opening["balance_cents"], november["closing_cents"]) == ("opening", 0, 0)
    assert (refund["kind"], refund["gross_cents"]) == ("refund", -BACK)
    assert refund["amount_cents"] == -BACK - refund["commission_cents"] - refund["tax_cents"] == refund["balance_cents"]
    assert parts(payment)[:-1] == ("payment", 2, PRICE, COMMISSION, 0, SHARE)
    assert parts(dispute)[:-1] == ("dispute", 2, -PRICE, -COMMISSION, 0, -SHARE)
    assert december["closing_cents"] == refund["amount_cents"] == await owed(banked)


async def test_a_month_so_far_says_so_and_one_that_is_over_stays_as_it_is(banked: Till, as_: As) -> None:
    await two_months(banked, as_)
    early, late = [(await seen(banked, as_, "2026-12", at=at)).json() for at in (DECEMBER + HOLD, JANUARY)]
    assert (early["is_complete"], late["is_complete"], early["accounts"] == late["accounts"]) == (False, True, True)
    forms = [[(await seen(banked, as_, "2026-11", form, at)).content for form in ("", "/csv", "/pdf")]
             for at in (DECEMBER, JANUARY)]  # fmt: skip
    assert forms[0] == forms[1]
    with frozen(JANUARY):
        months = (await banked.client.get(PATH, headers=as_(member(AFFILIATE)))).json()
    assert months == {"items": [{"month": "2026-12"}, {"month": "2026-11"}]}


async def test_before_there_was_anything_a_statement_is_empty(till: Till, as_: As) -> None:
    answer = (await seen(till, as_, "2026-11")).json()
    assert (answer["accounts"], answer["name"]) == ([], None)
    pages = pypdf.PdfReader(BytesIO((await seen(till, as_, "2026-11", "/pdf")).content)).pages
    assert "Nothing happened in this month." in pages[0].extract_text()


async def test_each_currency_has_its_own_balance(banked: Till, as_: As) -> None:
    with frozen(NOVEMBER):
        for booking_id, currency in ((1, "USD"), (2, "EUR")):
            await banked.hear(held(booking_id, currency=currency))
            await paid(banked, booking_id)
    found = (await seen(banked, as_, "2026-11")).json()["accounts"]
    assert [(one["currency"], one["closing_cents"]) for one in found] == [("EUR", SHARE), ("USD", SHARE)]


# -- the forms --


async def test_a_spreadsheet_adds_up_to_the_balance_with_numbers_that_are_numbers(banked: Till, as_: As) -> None:
    await two_months(banked, as_)
    answer = await seen(banked, as_, "2026-12", "/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="statement-{AFFILIATE}-2026-12.csv"'
    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["kind"] for row in rows] == ["opening", "refund", "payment", "dispute"]
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(rows[-1]["balance"])
    assert int(Decimal(rows[-1]["balance"]) * 100) == await owed(banked)
    assert (rows[2]["gross"], rows[3]["gross"], rows[2]["payout_id"]) == ("189.00", "-189.00", "")


async def test_a_paper_has_the_same_lines_and_sums(banked: Till, as_: As) -> None:
    await two_months(banked, as_)
    answer = await seen(banked, as_, "2026-11", "/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    [page] = [page.extract_text() for page in pypdf.PdfReader(BytesIO(answer.content)).pages]
    assert "Statement November 2026" in page
    assert f"For: Shine ({AFFILIATE})" in page
    for words in ("Payment, booking 1 $189.00 -$28.35 -$14.00 $146.65 $146.65", "Paid out -$138.30", "Balance $0.00"):
        assert words in page


async def test_a_statement_takes_three_statements(
    banked: Till, as_: As, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await two_months(banked, as_)
    await seen(banked, as_, "2026-11")
    with statements() as sent:
        await seen(banked, as_, "2026-11")
    assert len(sent) == 3
