"""What an operator can ask of payments, and do about it, at a shell."""

from collections.abc import Awaitable, Callable

from sqlalchemy import text

from services.payments.domain.comparison import Difference, Kind
from services.payments.domain.discrepancy import Discrepancy

from .conftest import PRICE, Till, applied, cancelled, completed

Mdh = Callable[..., Awaitable[tuple[int, str]]]


async def test_the_books_are_checked_and_added_up(fresh_till: Till, mdh: Mdh) -> None:
    await fresh_till.captured()
    assert await mdh("ledger", "check") == (0, "the books are right\n")
    _, told = await mdh("ledger", "balances")
    assert {line.split()[1]: line.split()[2] for line in told.splitlines()} == {
        "affiliate_payable": "-16,065", "commission": "-2,835", "provider_clearing": "18,900",
    }  # fmt: skip
    async with fresh_till.database.begin() as session:
        await session.execute(text("update payments set captured_cents = captured_cents - 1"))
    code, told = await mdh("ledger", "check")
    assert (code, "booking 1 is off: provider_clearing by 1" in told) == (1, True)


async def test_numbers_are_counted(fresh_till: Till, mdh: Mdh) -> None:
    await fresh_till.deliver(applied())
    await fresh_till.hear(completed(payment_mode="on_site"), completed(2, payment_mode="on_site"))
    assert await mdh("invoices", "check") == (0, "no number is missing\n")
    async with fresh_till.database.begin() as session:
        await session.execute(text("update number_ranges set last = last + 1, year = 2026"))
    code, told = await mdh("invoices", "check")
    assert (code, "invoice of 31 in 2026: " in told, "numbers up to 3" in told) == (1, True, True)


async def test_a_webhook_can_be_handled_again_and_changes_nothing(fresh_till: Till, mdh: Mdh) -> None:
    intent_id = await fresh_till.captured()
    hook = await fresh_till.webhook(intent_id, "payment_intent.succeeded")
    before = (await fresh_till.payment()).version
    code, told = await mdh("webhooks", "list", "--outcome", "done")
    assert (code, told.split()[:2]) == (0, [hook.event["id"], "payment_intent.succeeded"])
    assert (await mdh("webhooks", "replay", hook.event["id"]))[0] == 0
    assert (await mdh("webhooks", "list"))[1].split()[-1] == "waiting"
    await fresh_till.work()
    assert (await mdh("webhooks", "list"))[1].split()[-1] == "known"
    assert (await fresh_till.payment()).version == before


async def test_what_cannot_be_handled_again_is_said(fresh_till: Till, mdh: Mdh) -> None:
    assert await mdh("webhooks", "replay", "evt_none") == (1, "The provider has told us of no such event.\n")
    hook = await fresh_till.webhook(await fresh_till.captured(), "payment_intent.succeeded")
    async with fresh_till.database.begin() as session:
        await session.execute(text("update webhooks set payload = '{}'"))
    code, told = await mdh("webhooks", "replay", hook.event["id"])
    assert (code, "not kept any more" in told) == (1, True)


async def test_a_parked_payment_is_looked_at_and_cleared(fresh_till: Till, mdh: Mdh) -> None:
    intent_id = await fresh_till.captured()
    await fresh_till.sandbox.stripe.refunds.create_async({"payment_intent": intent_id, "amount": 100})
    await fresh_till.hand_on(intent_id, "charge.refunded")
    assert "was not made by us" in (await mdh("parked", "list"))[1]
    payment = await fresh_till.payment()
    assert (await mdh("parked", "clear", str(payment.id)))[0] == 0
    assert (await mdh("parked", "list"))[1] == ""
    await fresh_till.work()
    assert "was not made by us" in (await mdh("parked", "list"))[1]
    assert (await mdh("parked", "clear", "999999999"))[0] == 1


async def test_all_is_right_after_all_goes_back(fresh_till: Till, mdh: Mdh) -> None:
    intent_id = await fresh_till.captured()
    await fresh_till.hear(cancelled(refund_cents=PRICE))
    await fresh_till.hand_on(intent_id, "refund.created")
    assert await mdh("ledger", "check") == (0, "the books are right\n")
    assert {line.split()[2] for line in (await mdh("ledger", "balances"))[1].splitlines()} == {"0"}


async def test_a_difference_is_shown_explained_and_resolved(fresh_till: Till, mdh: Mdh) -> None:
    difference = Difference(Kind.FOREIGN, "ch_1", "500 USD", "nothing")
    async with fresh_till.database.begin() as session:
        session.add(Discrepancy.of("entry:1", difference))
    [one] = (await mdh("reconciliation", "list"))[1].splitlines()
    number = one.split()[0]
    assert ("open  foreign  ch_1" in one, "provider: 500 USD, we: nothing" in one) == (True, True)
    assert (await mdh("reconciliation", "explain", number, "A donation.", "--as", "ada"))[0] == 0
    assert "ada: A donation." in (await mdh("reconciliation", "list", "--status", "explained"))[1]
    assert (await mdh("reconciliation", "resolve", number, "Sent back.", "--as", "ada"))[0] == 0
    code, told = await mdh("reconciliation", "resolve", number, "Again.", "--as", "ada")
    assert (code, "is resolved" in told, await mdh("reconciliation", "list", "--status", "open")) == (1, True, (0, ""))
    assert (await mdh("reconciliation", "resolve", "999999", "?", "--as", "ada"))[0] == 1


async def test_a_day_is_compared_on_demand(fresh_till: Till, mdh: Mdh) -> None:
    assert (await mdh("reconciliation", "run", "--day", "2026-01-05"))[0] == 0
    assert "waiting" in (await mdh("reconciliation", "days"))[1]
    await fresh_till.work()
    assert "2026-01-05  0 entries  0 suspects  compared" in (await mdh("reconciliation", "days"))[1]
    assert [(await mdh("reconciliation", "run", "--day", day))[0] for day in ("2126-01-05", "monday")] == [1, 1]
