"""Who sees a payment, and what of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from shared.auth import Actor, Role
from shared.testing.tokens import ADMIN, SUPPORT, customer, member
from tests.sandbox.process import PUBLISHABLE_KEY

from .conftest import AFFILIATE, CUSTOMER, PRICE, As, Till, cancelled, held

PATH = "/payments/v1/payments"
OTHERS = [pytest.param(member(AFFILIATE, role), id=role) for role in (Role.OWNER, Role.MANAGER)]
OTHERS += [pytest.param(ADMIN, id="admin"), pytest.param(SUPPORT, id="support")]
STRANGERS = [
    pytest.param(customer(8), id="another customer"),
    pytest.param(member(32), id="another affiliate"),
    pytest.param(member(AFFILIATE, Role.TECHNICIAN), id="the affiliate's technician"),
    pytest.param(Actor(user_id=CUSTOMER, roles=frozenset({Role.CUSTOMER})), id="a user with the customer's number"),
]


async def test_the_customer_gets_what_is_needed_to_pay(till: Till, as_: As) -> None:
    await till.hear(held())
    payment = await till.payment()
    by_booking = await till.client.get(f"{PATH}?booking_id=1", headers=as_(customer(CUSTOMER)))
    by_id = await till.client.get(f"{PATH}/{payment.id}", headers=as_(customer(CUSTOMER)))
    assert by_booking.status_code == by_id.status_code == 200
    assert by_booking.content == by_id.content
    shown = by_id.json()
    assert shown["client_secret"] == payment.client_secret is not None
    assert (shown["publishable_key"], shown["commission_cents"]) == (PUBLISHABLE_KEY, None)
    assert (shown["status"], shown["amount_cents"], shown["currency"]) == ("requires_payment", PRICE, "USD")
    assert by_id.headers["etag"] == f'"{payment.version}"'


@pytest.mark.parametrize("actor", OTHERS)
async def test_the_affiliates_team_and_staff_see_it_without_the_secret(till: Till, as_: As, actor: Actor) -> None:
    await till.hear(held())
    payment = await till.payment()
    for path in (f"{PATH}?booking_id=1", f"{PATH}/{payment.id}"):
        response = await till.client.get(path, headers=as_(actor))
        assert response.status_code == 200
        shown = response.json()
        assert (shown["client_secret"], shown["publishable_key"], shown["commission_cents"]) == (None, None, 2_835)
        assert str(payment.client_secret) not in response.text


@pytest.mark.parametrize("actor", STRANGERS)
async def test_to_all_others_it_does_not_exist(till: Till, as_: As, actor: Actor) -> None:
    await till.hear(held())
    for path in (f"{PATH}?booking_id=1", f"{PATH}/{(await till.payment()).id}"):
        response = await till.client.get(path, headers=as_(actor))
        assert (response.status_code, response.json()["type"]) == (404, "/problems/no-such-payment")


async def test_there_is_nothing_to_pay_with_once_the_booking_is_gone(till: Till, as_: As) -> None:
    await till.hear(held())
    await till.deliver(cancelled())
    shown = (await till.client.get(f"{PATH}?booking_id=1", headers=as_(customer(CUSTOMER)))).json()
    assert (shown["status"], shown["client_secret"]) == ("cancelling", None)


async def test_without_a_token_nothing_is_shown(till: Till) -> None:
    for path in (f"{PATH}?booking_id=1", f"{PATH}/1"):
        assert (await till.client.get(path)).status_code == 401


async def test_a_booking_has_no_payment_until_it_can_be_paid(till: Till, as_: As) -> None:
    headers, path = as_(customer(CUSTOMER)), f"{PATH}?booking_id=1"
    assert (await till.client.get(path, headers=headers)).status_code == 404
    await till.deliver(held())
    assert (await till.client.get(path, headers=headers)).status_code == 404
    pending = await till.client.get(f"{PATH}/{(await till.payment()).id}", headers=headers)
    assert (pending.status_code, pending.json()["status"]) == (200, "pending")
    await till.work()
    assert (await till.client.get(path, headers=headers)).json()["status"] == "requires_payment"


async def test_a_payment_that_never_began_is_shown_as_cancelled(till: Till, as_: As) -> None:
    await till.hear(cancelled())
    response = await till.client.get(f"{PATH}?booking_id=1", headers=as_(customer(CUSTOMER)))
    assert (response.json()["status"], response.json()["client_secret"]) == ("cancelled", None)


@pytest.mark.parametrize(
    "path", ["", "?booking_id=", "?booking_id=0", "?booking_id=-1", "?booking_id=1.0", f"?booking_id={2**63}", "/0",
             "/x", f"/{'9' * 5000}", "?booking_id=true"],
)  # fmt: skip
async def test_an_absurd_number_is_a_422(till: Till, as_: As, path: str) -> None:
    assert (await till.client.get(PATH + path, headers=as_(ADMIN))).status_code == 422


async def test_looking_takes_one_statement(
    till: Till, as_: As, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await till.hear(held())
    headers = as_(customer(CUSTOMER))
    with statements() as sent:
        await till.client.get(f"{PATH}?booking_id=1", headers=headers)
    assert len(sent) == 1


async def test_a_webhook_takes_two_statements_and_a_forged_one_none(
    till: Till, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    intent_id = await till.ready()
    await till.sandbox.confirm(intent_id)
    hook = await till.webhook(intent_id, "payment_intent.succeeded")
    with statements() as sent:
        assert (await till.post(hook, signature="t=1,v1=00")).status_code == 400
        assert sent == []
        assert (await till.post(hook)).status_code == 200
    assert len(sent) == 2
