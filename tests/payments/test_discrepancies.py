"""The provider's books beside ours: every planted fault is found, once, and an honest history raises no alarm."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from services.payments.commands import days
from services.payments.commands.days import DayNotBooked
from services.payments.commands.discrepancies import resolve
from services.payments.domain.discrepancy import DiscrepancyStatus
from services.payments.domain.entry import Reconciliation
from services.payments.domain.provider import Unanswered
from services.payments.jobs import reconcile_days
from shared.clock import frozen
from shared.ids import new_id
from shared.testing.tokens import ADMIN, SUPPORT

from .conftest import PRICE, As, Till, cancelled
from .test_disputes import answers, heard, opens
from .yesterday import compared, found, refunded, sql

# -- faults --


async def a_charge_that_we_do_not_know(till: Till) -> None:
    await till.sandbox.paid(metadata={"mdh_reference": str(new_id())})


async def a_charge_of_somebody_else(till: Till) -> None:
    await till.sandbox.paid()


async def a_payment_that_the_provider_does_not_know(till: Till) -> None:
    await till.captured()
    await sql(till, "update payments set stripe_payment_intent_id = 'pi_none', payment_method = '{}'")
    await sql(till, f"update payments set reference = '{new_id()}'")  # noqa: S608


async def a_cent_less(till: Till) -> None:
    await till.captured()
    await sql(till, "update payments set captured_cents = captured_cents - 1")


async def another_currency(till: Till) -> None:
    await till.captured()
    await sql(till, "update payments set currency = 'EUR'")


async def charged_twice(till: Till) -> None:
    await till.captured()
    await till.sandbox.paid(PRICE, metadata={"mdh_reference": str((await till.payment()).reference)})


async def a_refund_that_we_did_not_make(till: Till) -> None:
    intent_id = await till.captured()
    await till.sandbox.stripe.refunds.create_async({"payment_intent": intent_id, "amount": 100})


async def a_refund_that_the_provider_does_not_know(till: Till) -> None:
    await refunded(till)
    await sql(till, f"update refunds set stripe_refund_id = 're_none', reference = '{new_id()}'")  # noqa: S608


async def a_dispute_that_the_provider_does_not_know(till: Till) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id)
    await heard(till, intent_id, "created")
    await sql(till, "update disputes set stripe_dispute_id = 'dp_none'")


async def a_dispute_of_a_charge_that_is_not_ours(till: Till) -> None:
    await opens(till.sandbox, (await till.sandbox.paid()).id)


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (a_charge_that_we_do_not_know, ["charge_unknown"]),
        (a_charge_of_somebody_else, ["foreign"]),
        (a_payment_that_the_provider_does_not_know, ["charge_missing", "charge_unknown"]),
        (a_cent_less, ["wrong_amount"]),
        (another_currency, ["wrong_currency"]),
        (charged_twice, ["duplicate_charge"]),
        (a_refund_that_we_did_not_make, ["refund_unknown"]),
        (a_refund_that_the_provider_does_not_know, ["refund_missing", "refund_unknown"]),
        (a_dispute_that_the_provider_does_not_know, ["dispute_missing"]),
        (a_dispute_of_a_charge_that_is_not_ours, ["foreign", "foreign"]),
    ],
)
async def test_every_fault_is_found_once_however_often_it_is_looked_for(
    till: Till, noon: datetime, plant: Callable[[Till], Awaitable[None]], kinds: list[str]
) -> None:
    await plant(till)
    assert await compared(till, noon) == kinds
    rows = [one.id for one in await found(till)]
    assert await compared(till, noon) == kinds
    assert [one.id for one in await found(till)] == rows


async def test_what_is_mended_closes_itself_and_what_was_only_said_to_be_opens_again(
    till: Till, noon: datetime
) -> None:
    await a_cent_less(till)
    await compared(till, noon)
    [one] = await found(till)
    assert (one.provider_says, one.we_say) == (f"{PRICE} USD", f"{PRICE - 1} USD")
    async with till.database.begin() as session:
        await resolve(session, one.id, "ada", "Looked at.")
    assert await compared(till, noon) == ["wrong_amount"]
    await sql(till, "update payments set captured_cents = captured_cents + 1")
    assert await compared(till, noon + timedelta(days=1)) == []
    [one] = await found(till)
    assert (one.status, one.owner, one.closed_at is not None) == (DiscrepancyStatus.RESOLVED, "ada", True)


async def test_what_webhooks_never_told_is_settled_and_no_difference(till: Till, noon: datetime) -> None:
    intent_id = await till.ready(1)
    await till.sandbox.confirm(intent_id)
    disputed = await till.captured(2)
    await opens(till.sandbox, disputed)
    assert await compared(till, noon) == []
    assert ((await till.payment(1)).status, (await till.payment(2)).withheld_cents) == ("captured", PRICE)


async def test_a_charge_of_a_day_that_was_never_read_is_read_when_its_refund_is_compared(
    till: Till, noon: datetime
) -> None:
    intent_id = await till.captured()
    await till.provider_lives_at(noon + timedelta(days=1))
    await till.hear(cancelled(refund_cents=1_000))
    await till.hand_on(intent_id, "refund.created")
    assert await compared(till, noon + timedelta(days=1)) == []


@pytest.mark.parametrize("silent", ["events.list", "balance_transactions.list"])
async def test_a_provider_that_does_not_answer_is_no_difference(till: Till, noon: datetime, silent: str) -> None:
    await till.ready()
    await till.sandbox.confirm(await till.intent_id())
    await till.sandbox.break_next(silent, "500")
    with pytest.raises(Unanswered):
        await compared(till, noon)
    await till.work()
    assert ([one.kind for one in await found(till)], (await till.payment()).status) == ([], "captured")


async def test_nothing_is_concluded_before_the_provider_was_asked_once_more(till: Till, noon: datetime) -> None:
    await a_cent_less(till)
    await till.sandbox.break_next("payment_intents.retrieve", "500")
    with pytest.raises(Unanswered):
        await compared(till, noon)
    assert await found(till) == []
    await till.work()
    assert [one.kind for one in await found(till)] == ["wrong_amount"]


async def test_what_is_young_waits(till: Till, noon: datetime) -> None:
    await a_cent_less(till)
    async with till.database.begin() as session:
        await days.begin(session, noon.date())
    await till.work()
    assert (await found(till), "examine_payment" in await till.waiting()) == ([], True)


@pytest.mark.parametrize("seed", range(3))
async def test_an_honest_history_over_midnight_raises_no_alarm(till: Till, noon: datetime, seed: int) -> None:
    """Whatever was heard of and what not, paid, refunded, disputed, or still under way, a few seconds before and after
    the day ends; looked at on the first day, when the second is not read yet, and on the second."""
    chance = random.Random(seed)
    midnight = noon.replace(hour=0) + timedelta(days=1)
    for booking in range(1, 9):
        await till.provider_lives_at(midnight + timedelta(seconds=chance.choice([-20, 0, 20])))
        await lives(till, booking, chance)
    assert await compared(till, midnight - timedelta(seconds=1)) == []
    assert await compared(till, midnight + timedelta(hours=1)) == []
    assert await found(till) == []


async def lives(till: Till, booking: int, chance: random.Random) -> None:
    intent_id = await till.ready(booking)
    if chance.random() < 0.2:
        return
    await till.sandbox.confirm(intent_id)
    if chance.random() < 0.3:
        return
    await till.hand_on(intent_id, "payment_intent.succeeded")
    if chance.random() < 0.4:
        await till.hear(cancelled(booking, refund_cents=chance.choice([1, 5_000, PRICE])))
    elif chance.random() < 0.5:
        dispute_id = await opens(till.sandbox, intent_id, amount=chance.choice([1_000, PRICE]))
        if chance.random() < 0.6:
            await answers(till.sandbox, dispute_id, chance.choice(["winning_evidence", "losing_evidence"]))


# -- days --


async def reconciled(till: Till) -> list[date]:
    async with till.database.begin() as session:
        return list(await session.scalars(select(Reconciliation.day).order_by(Reconciliation.day)))


async def test_each_day_is_compared_once_it_is_booked_and_missed_ones_are_caught_up(till: Till) -> None:
    for at, expected in (("03:00", 1), ("14:00", 1), ("02:59", 1), ("03:00", 2)):
        hour, minute = map(int, at.split(":"))
        ahead = 10 if expected == 1 and at != "02:59" else 11
        with frozen(datetime(2031, 5, ahead, hour, minute, tzinfo=UTC)):
            async with till.database.begin() as session:
                await reconcile_days(session)
        assert len(await reconciled(till)) == expected, at
    with frozen(datetime(2031, 5, 15, 4, tzinfo=UTC)):
        async with till.database.begin() as session:
            await reconcile_days(session)
        assert await reconciled(till) == [date(2031, 5, day) for day in range(9, 15)]
        with pytest.raises(DayNotBooked):
            async with till.database.begin() as session:
                await days.reconcile(session, date(2031, 5, 15))
    async with till.database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(Reconciliation)) == 6


# -- seen and seen to --

PATH = "/payments/v1/discrepancies"


async def test_staff_list_them_take_them_and_say_how_they_end(till: Till, noon: datetime, as_: As) -> None:
    await a_charge_of_somebody_else(till)
    await a_cent_less(till)
    await compared(till, noon)
    support, admin = as_(SUPPORT), as_(ADMIN)
    everything = (await till.client.get(PATH, headers=support)).json()["items"]
    assert sorted(one["kind"] for one in everything) == ["foreign", "wrong_amount"]
    first = (await till.client.get(f"{PATH}?limit=1", headers=support)).json()
    rest = (await till.client.get(f"{PATH}?limit=1&cursor={first['next']}", headers=support)).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in everything]
    [foreign] = (await till.client.get(f"{PATH}?kind=foreign&status=open", headers=support)).json()["items"]
    one = f"{PATH}/{foreign['id']}"
    shown = await till.client.get(one, headers=support)
    assert (shown.json(), shown.headers["etag"]) == (foreign, '"1"')

    taken = await till.client.post(f"{one}/assign", json={}, headers=support | {"If-Match": '"1"'})
    me = str(SUPPORT.user_id)
    assert (taken.json()["owner"], taken.json()["status"], taken.headers["etag"]) == (me, "open", '"2"')
    mine = (await till.client.get(f"{PATH}?owner={me}", headers=support)).json()["items"]
    assert [found["id"] for found in mine] == [foreign["id"]]
    given = await till.client.post(f"{one}/assign", json={"user_id": 77}, headers=admin)
    assert (given.json()["owner"], given.json()["version"]) == ("77", 3)

    reason = {"reason": "A charge of the platform's own shop."}
    for verb in ("explain", "resolve", "assign"):
        stale = await till.client.post(
            f"{one}/{verb}", json={} if verb == "assign" else reason, headers=admin | {"If-Match": '"2"'}
        )
        assert stale.status_code == 412, verb
    assert (await till.client.post(f"{one}/resolve", json={}, headers=admin)).status_code == 422
    explained = (await till.client.post(f"{one}/explain", json=reason, headers=admin | {"If-Match": '"3"'})).json()
    assert (explained["status"], explained["owner"], explained["note"]) == (
        "explained", str(ADMIN.user_id), reason["reason"],
    )  # fmt: skip
    resolved = (await till.client.post(f"{one}/resolve", json=reason, headers=support)).json()
    assert (resolved["status"], resolved["closed_at"] is None) == ("resolved", False)
    for verb, body in (("assign", {}), ("explain", reason), ("resolve", reason)):
        late = await till.client.post(f"{one}/{verb}", json=body, headers=support)
        assert (late.status_code, late.json()["type"]) == (409, "/problems/already-resolved"), verb
    assert (await till.client.get(f"{PATH}/999999", headers=support)).status_code == 404
