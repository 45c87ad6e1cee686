"""What a late end costs, under each way of paying: booking says it, the provider takes it, books and invoice have it,
and the customer is told of it."""

from typing import Any

import pytest

from services.booking.domain.sold import Sold
from services.notifications.domain.addressee import Addressee
from services.notifications.domain.notice import notices_of
from services.notifications.texts import words_of
from services.payments.commands import ledger
from services.payments.domain.ledger import Account
from services.payments.domain.life import Purpose
from services.payments.queries.ledger import trial_balance
from shared.money import shown
from shared.papers import PaperKind
from shared.terms import PaymentMode

from .conftest import PRICE, Till, cancelled, held, missed
from .test_authorised import authorised, saved, visit
from .test_deposits import WAY, deposited
from .test_invoices import follow, known, papers

ADA = Addressee(email="ada@example.org")
COMMISSION, DEPOSIT, HALF = 2_835, 4_000, PRICE // 2
ENDS = {"cancelled": cancelled, "missed": missed}


async def paid(till: Till, way: str) -> dict[str, Any]:
    """Agreed to by the customer, in this way; what the booking's events say of it."""
    if way == "full":
        await till.captured()
        return {}
    if way == "deposit":
        await deposited(till)
        return WAY
    if way == "on site":
        await till.hear(held(payment_mode="on_site"))
        return {"payment_mode": "on_site"}
    how = visit(1 if way == "held" else 20)
    await (authorised if way == "held" else saved)(till, how)
    return how


def sold(way: str, mode: str) -> Sold:
    """As booking has it, before it ends."""
    came = {"full": PRICE, "deposit": DEPOSIT}.get(way, 0)
    return Sold(
        price_cents=PRICE, commission_cents=COMMISSION, currency="USD", late_fee_cents=0, no_show_fee_cents=0,
        paid_cents=came, payment_mode=PaymentMode(mode),
    )  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("way", "fee", "costs", "said"),
    [
        ("full", 0, 0, ["$189.00 goes back"]),
        ("full", HALF, HALF, ["$94.50 goes back", "is $94.50: it is kept of what you paid."]),
        ("full", PRICE, PRICE, ["is $189.00: it is kept of what you paid."]),
        ("deposit", 0, 0, ["$40.00 goes back"]),
        ("deposit", 1_500, 1_500, ["$25.00 goes back", "is $15.00: it is kept of what you paid."]),
        ("deposit", HALF, DEPOSIT, ["is $40.00: it is kept of what you paid."]),
        ("held", 0, 0, ["Nothing is charged."]),
        ("held", HALF, HALF, ["$94.50, is charged to your card"]),
        ("card saved", HALF, HALF, ["$94.50, is charged to your card"]),
        ("on site", 0, 0, ["Nothing is charged."]),
        ("on site", HALF, 0, ["Nothing is charged."]),
    ],
)
async def test_a_late_end_costs_what_everybody_says_it_costs(
    till: Till, way: str, fee: int, costs: int, said: list[str], end: str
) -> None:
    await known(till)
    how = await paid(till, way)
    booking = sold(way, how.get("payment_mode", "full"))
    back = booking.end_for(fee)
    told = {"refund_cents": back, "kept_cents": booking.kept_cents, "fee_due_cents": booking.fee_due_cents}
    gone = ENDS[end](version=9, **told, **{name: value for name, value in how.items() if name not in told})
    await till.hear(gone, gone)
    await follow(till)
    assert booking.kept_cents + booking.fee_due_cents == costs
    intents = [one.stripe_payment_intent_id for one in await till.payments() if one.stripe_payment_intent_id]
    assert sum([(await till.sandbox.totals(one))["net"] for one in intents]) == costs
    assert {one.purpose for one in await till.payments()} <= {Purpose.BOOKING, Purpose.FEE}
    async with till.database.begin() as session:
        assert await ledger.faults(session) == []
        books = {account: cents for _, account, cents in await trial_balance(session) if cents}
    assert books.get(Account.PROVIDER_CLEARING, 0) == costs
    assert -sum(books.get(of, 0) for of in (Account.AFFILIATE_PAYABLE, Account.COMMISSION, Account.TAX)) == costs
    invoices = [paper for paper in await papers(till) if paper.kind is PaperKind.INVOICE]
    assert [paper.total_cents for paper in invoices] == ([costs] if costs else [])
    [mail] = [words_of(one, ADA).message for one in notices_of(gone, None) if one.to.startswith("customer")]
    text = " ".join(mail.split())
    assert [words for words in said if words not in text] == []
    assert ("fee" in text, shown(costs, "USD") in text) == ((True, True) if costs else (False, False))
