"""The whole way with the platform's own runner, on a database where transactions are real."""

import pytest
import sqlalchemy as sa

from services.payments.commands import tasks
from services.payments.domain.life import Status
from shared.contracts.payments import IntentCreated, PaymentCaptured, PaymentRefunded
from shared.tasks import Runner, Task
from shared.testing.plugin import recorded_in

from .conftest import PRICE, Till, held, refund_due


async def run(till: Till) -> None:
    """Make every call that is due, those put off included."""
    runner = Runner(tasks, till.database, till.outside)
    while await till.count(Task):
        async with till.database.begin() as session:
            await session.execute(sa.update(Task).values(due_at=sa.func.now()))
        await runner.work_one()


@pytest.mark.parametrize("fault", [None, "drop", "500", "500-stored"])
async def test_a_booking_is_paid_and_refunded_whatever_gets_lost(fresh_till: Till, fault: str | None) -> None:
    """Every call of the way meets the fault once: one intent, one charge, one refund, each told once."""
    till = fresh_till
    for call in ("payment_intents.create", "refunds.create") if fault else ():
        await till.sandbox.break_next(call, str(fault))
    await till.deliver(held())
    await run(till)
    intent_id = await till.intent_id()
    await till.sandbox.confirm(intent_id)
    await till.post(await till.webhook(intent_id, "payment_intent.succeeded"))
    await run(till)
    await till.deliver(refund_due())
    await run(till)
    totals = await till.sandbox.totals(intent_id)
    assert (totals["charges"], totals["refunds"], totals["charged"], totals["net"]) == (1, 1, PRICE, 0)
    assert ((await till.payment()).status, await till.intents_of(await till.payment())) == (
        Status.REFUNDED,
        [intent_id],
    )
    for kind in (IntentCreated, PaymentCaptured, PaymentRefunded):
        assert len(await recorded_in(till.database, kind)) == 1
