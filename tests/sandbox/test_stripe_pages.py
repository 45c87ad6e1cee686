"""The pages on which a person pays: plain forms, followed as a browser without JavaScript follows them."""

import re

import httpx
import pytest

from .driver import Driver

CARDS = {
    "visa": "4242424242424242",
    "declined": "4000000000000002",
    "asks": "4000002760003184",
    "disputed": "4000000000000259",
    "inquiry": "4000000000001976",
}


async def pay(sandbox: Driver, intent: str, secret: str, card: str, return_url: str = "") -> httpx.Response:
    """Fill in the checkout that the intent's page shows, and follow where it leads."""
    page = await sandbox.http.get(f"/pay/{intent}", params={"client_secret": secret, "return_url": return_url})
    assert f'value="{CARDS[card]}"' in page.text
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return await sandbox.http.post(f"/pay/{intent}", data={**form, "card": CARDS[card]}, follow_redirects=True)


async def test_a_person_pays(sandbox: Driver) -> None:
    intent = await sandbox.intent(12345, description="Full detail <b>wash</b>")
    done = await pay(sandbox, intent.id, str(intent.client_secret), "visa", "https://shop.example/done")
    assert "Paid: 123.45 USD" in done.text
    assert "Full detail &lt;b&gt;wash&lt;/b&gt;" in done.text
    assert "<script" not in done.text
    assert f"https://shop.example/done?payment_intent={intent.id}" in done.text
    assert (await sandbox.totals(intent.id))["charged"] == 12345
    assert intent.id in (await sandbox.http.get("/")).text


async def test_a_declined_person_may_take_another_card(sandbox: Driver) -> None:
    intent = await sandbox.intent()
    refused = await pay(sandbox, intent.id, str(intent.client_secret), "declined")
    assert "Your card was declined." in refused.text
    assert "Paid:" in (await pay(sandbox, intent.id, str(intent.client_secret), "visa")).text
    charges = await sandbox.stripe.charges.list_async({"payment_intent": intent.id})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]


async def test_a_person_is_asked_by_the_bank(sandbox: Driver) -> None:
    for outcome, told in (("fail", "unable to authenticate|failed authentication"), ("complete", "Paid: 50.00 USD")):
        intent = await sandbox.intent()
        bank = await pay(sandbox, intent.id, str(intent.client_secret), "asks")
        assert "3-D Secure" in bank.text
        form = {"client_secret": str(intent.client_secret), "outcome": outcome}
        after = await sandbox.http.post(f"/pay/{intent.id}/authenticate", data=form, follow_redirects=True)
        assert re.search(told, after.text)
        assert (await sandbox.totals(intent.id))["charges"] == (outcome == "complete")


async def test_who_comes_back_to_the_bank_is_led_to_what_became_of_it(sandbox: Driver) -> None:
    """By the browser's button, say, after the answer."""
    intent = await sandbox.intent()
    await pay(sandbox, intent.id, str(intent.client_secret), "asks")
    query = {"client_secret": str(intent.client_secret)}
    form = {**query, "outcome": "complete"}
    await sandbox.http.post(f"/pay/{intent.id}/authenticate", data=form)
    again = await sandbox.http.get(f"/pay/{intent.id}/authenticate", params=query)
    assert "outcome" not in again.text
    [there] = re.findall(r'href="(/pay/[^"]*)"', again.text)
    assert "Paid:" in (await sandbox.http.get(there)).text
    late = await sandbox.http.post(f"/pay/{intent.id}/authenticate", data=form)
    assert (late.status_code, (await sandbox.totals(intent.id))["charges"]) == (400, 1)


async def test_a_double_click_pays_once(sandbox: Driver) -> None:
    intent = await sandbox.intent()
    await pay(sandbox, intent.id, str(intent.client_secret), "visa")
    form = {"client_secret": str(intent.client_secret), "card": CARDS["visa"]}
    again = await sandbox.http.post(f"/pay/{intent.id}", data=form, follow_redirects=True)
    assert (again.status_code, "already succeeded" in again.text) == (400, True)
    assert (await sandbox.totals(intent.id))["charges"] == 1


async def test_the_page_is_for_those_who_know_the_secret(sandbox: Driver) -> None:
    intent = await sandbox.intent(description="Private")
    for secret in ("", "guessed"):
        page = await sandbox.http.get(f"/pay/{intent.id}", params={"client_secret": secret})
        assert (page.status_code, "Private" in page.text) == (400, False)
    assert (await sandbox.http.get("/pay/pi_nowhere")).status_code == 404


async def test_the_way_back_is_an_address_of_the_web(sandbox: Driver) -> None:
    intent = await sandbox.paid()
    query = {"client_secret": str(intent.client_secret), "return_url": "javascript:alert(1)"}
    page = await sandbox.http.get(f"/pay/{intent.id}", params=query)
    assert "Paid:" in page.text
    assert "javascript:" not in page.text


@pytest.mark.parametrize(
    ("card", "evidence", "status"),
    [
        ("disputed", "winning_evidence", "won"),
        ("disputed", "losing_evidence", "lost"),
        ("disputed", "", "lost"),
        ("inquiry", "escalate_inquiry_evidence", "needs_response"),
    ],
)
async def test_a_person_answers_a_dispute(sandbox: Driver, card: str, evidence: str, status: str) -> None:
    intent = await sandbox.intent()
    await pay(sandbox, intent.id, str(intent.client_secret), card)
    [dispute] = (await sandbox.get("/v1/disputes", payment_intent=intent.id)).json()["data"]
    page = (await sandbox.http.get("/disputes")).text
    assert (dispute["id"] in page, f'value="{evidence}"' in page, "<script" in page) == (True, True, False)
    answer = await sandbox.http.post(f"/disputes/{dispute['id']}", data={"evidence": evidence})
    assert (answer.status_code, answer.headers["location"]) == (303, "/disputes")
    assert (await sandbox.stripe.disputes.retrieve_async(dispute["id"])).status == status


async def test_a_dispute_that_has_ended_takes_no_answer(sandbox: Driver) -> None:
    intent = await sandbox.intent()
    await pay(sandbox, intent.id, str(intent.client_secret), "disputed")
    [dispute] = (await sandbox.get("/v1/disputes", payment_intent=intent.id)).json()["data"]
    answers = [await sandbox.http.post(f"/disputes/{dispute['id']}", data={}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 400]
    assert (await sandbox.http.post("/disputes/dp_nowhere", data={})).status_code == 404
