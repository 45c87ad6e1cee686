"""Requests that are refused before anything happens, and lists."""

from typing import Any

import httpx
import pytest
import stripe

from .driver import Driver
from .process import SECRET_KEY

INTENTS = "/v1/payment_intents"
GOOD: dict[str, Any] = {"amount": 5000, "currency": "usd"}


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({**GOOD, "colour": "red"}, "parameter_unknown", "colour"),
        (
            {**GOOD, "automatic_payment_methods[colour]": "red"},
            "parameter_unknown",
            "automatic_payment_methods[colour]",
        ),
        ({**GOOD, "transfer_data[destination]": "acct_1"}, "parameter_unknown", "transfer_data"),
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({**GOOD, "amount": "lots"}, "parameter_invalid_integer", "amount"),
        ({**GOOD, "amount": "1e3"}, "parameter_invalid_integer", "amount"),
        ({**GOOD, "amount": "9" * 5000}, "parameter_invalid_integer", "amount"),
        ({**GOOD, "amount": "-5000"}, "parameter_invalid_integer", "amount"),
        ({**GOOD, "amount": 49}, "amount_too_small", "amount"),
        ({**GOOD, "amount": 100_000_000}, "amount_too_large", "amount"),
        ({**GOOD, "currency": "xyz"}, None, "currency"),
        ({**GOOD, "capture_method": "later"}, None, "capture_method"),
        ({**GOOD, "metadata[note]": "x" * 501}, None, "metadata"),
        ({**GOOD, "description": "a\x00b"}, None, "description"),
        ({**GOOD, "amount[deep]": "1"}, None, "amount"),
        ({"currency": "usd", "amount[deep]": "1"}, "parameter_invalid_integer", "amount"),
        ({**GOOD, "confirm": "perhaps"}, None, "confirm"),
        ({**GOOD, "expand[]": "surprise"}, None, "expand"),
    ],
)
async def test_a_bad_parameter_is_named(sandbox: Driver, fields: dict[str, Any], code: str | None, param: str) -> None:
    before = (await sandbox.stripe.payment_intents.list_async({"limit": 1})).data
    answer = await sandbox.post(INTENTS, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error["param"]) == (code, param)
    after = (await sandbox.stripe.payment_intents.list_async({"limit": 1})).data
    assert [one.id for one in before] == [one.id for one in after]


async def test_the_library_sees_an_unknown_parameter(sandbox: Driver) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Received unknown parameters: colour, shade"):
        await sandbox.intent(colour="red", shade="dark")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic %%%"}])
async def test_without_the_right_key_nothing_is_told(sandbox: Driver, headers: dict[str, str]) -> None:
    for path in (INTENTS, "/v1/events", "/v1/nowhere"):
        answer = await sandbox.http.get(path, headers=headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


async def test_the_key_is_taken_as_bearer_and_as_basic(sandbox: Driver) -> None:
    assert (await sandbox.http.get(INTENTS, headers={"Authorization": f"Bearer {SECRET_KEY}"})).status_code == 200
    assert (await sandbox.http.get(INTENTS, auth=(SECRET_KEY, ""))).status_code == 200


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v2/payment_intents", "/v1/payment_intents/pi_1/fly"])
async def test_an_unknown_address_is_told_as_stripe_tells_it(sandbox: Driver, path: str) -> None:
    answer = await sandbox.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(f"Unrecognized request URL (GET: {path})")


async def test_what_does_not_exist_is_missing(sandbox: Driver) -> None:
    for path in (f"{INTENTS}/pi_1", "/v1/charges/ch_1", "/v1/refunds/re_1", "/v1/customers/cus_1", "/v1/events/evt_1"):
        answer = await sandbox.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")
    intent = await sandbox.intent()
    with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod: 'pm_card_unheard'"):
        await sandbox.confirm(intent.id, "pm_card_unheard")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"amount": 5000}', "application/json"),
        (b"amount=%ff%fe&currency=usd", "application/x-www-form-urlencoded"),
        (b"amount=\xff&currency=usd", "application/x-www-form-urlencoded"),
        (b"amount[[=1", "application/x-www-form-urlencoded"),
        (b"a[b]=2&a=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % number for number in range(2000)), "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_no_form_is_refused(sandbox: Driver, body: bytes, kind: str) -> None:
    headers = {"Content-Type": kind, "Authorization": f"Bearer {SECRET_KEY}"}
    answer = await sandbox.http.post(INTENTS, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_body_without_end_is_refused(sandbox: Driver) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {SECRET_KEY}"}
    answer: httpx.Response = await sandbox.http.post(INTENTS, content=b"a=" + b"x" * 1_000_001, headers=headers)
    assert answer.status_code == 413


async def test_lists_are_paged_newest_first(sandbox: Driver) -> None:
    customer = await sandbox.stripe.customers.create_async({"name": "Paged"})
    made = [(await sandbox.intent(customer=customer.id)).id for _ in range(5)]
    seen: list[str] = []
    params: Any = {"customer": customer.id, "limit": 2}
    pages = await sandbox.stripe.payment_intents.list_async(params)
    assert (len(pages.data), pages.has_more) == (2, True)
    async for intent in pages.auto_paging_iter():
        seen.append(intent.id)
    assert seen == made[::-1]
    params["ending_before"] = made[2]
    back = await sandbox.stripe.payment_intents.list_async(params)
    assert [one.id for one in back.data] == [made[4], made[3]]


async def test_lists_are_narrowed_by_time(sandbox: Driver) -> None:
    await sandbox.control("PUT", "clock", offset_seconds=-1_000_000)
    old = await sandbox.intent()
    await sandbox.control("PUT", "clock", offset_seconds=0)
    await sandbox.intent()
    exactly = await sandbox.stripe.payment_intents.list_async({"created": old.created})
    until = await sandbox.stripe.payment_intents.list_async({"created": {"lte": old.created + 1000}})
    since = await sandbox.stripe.payment_intents.list_async({"created": {"gt": old.created + 1000}, "limit": 100})
    assert [one.id for one in exactly.data] == [one.id for one in until.data] == [old.id]
    assert since.data
    assert old.id not in {one.id for one in since.data}
