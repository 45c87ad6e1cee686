"""What keeps a card from being kept, charged or forgotten when it must not be."""

from dataclasses import replace

import pytest

from services.payments.clients import Provider
from services.payments.commands.kept_cards import keep_card
from services.payments.domain.kept_card import KeptCard
from services.payments.domain.provider import PrintedCard, SavedCard
from shared.auth import Role
from shared.testing.tokens import customer

from .conftest import AFFILIATE, As, Till, completed, held
from .test_authorised import settle
from .test_kept_cards import DEPOSIT, ERASE, Client, ada, holder_of, kept

__all__ = ["ada"]
SUCCEEDED = "payment_intent.succeeded"


async def test_who_is_erased_while_the_provider_is_asked_has_no_card_kept(
    till: Till, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent_id = await till.ready()
    await ada.keep()
    await till.sandbox.confirm(intent_id)
    await till.post(await till.webhook(intent_id, SUCCEEDED))
    ask = Provider.get_card

    async def erased_meanwhile(self: Provider, card: SavedCard) -> PrintedCard | None:
        printed = await ask(self, card)
        await till.deliver(ERASE)
        return printed

    monkeypatch.setattr(Provider, "get_card", erased_meanwhile)
    await till.work()
    used = (await till.sandbox.stripe.payment_intents.retrieve_async(intent_id)).payment_method
    assert (await till.count(KeptCard), await holder_of(till, str(used))) == (0, None)


async def test_a_card_that_the_rest_is_to_be_charged_to_is_not_deleted_before(till: Till, ada: Client) -> None:
    await till.hear(held(**DEPOSIT))
    await ada.keep()
    await till.sandbox.confirm(await till.intent_id())
    await settle(till, await till.intent_id(), SUCCEEDED)
    [card] = await ada.cards()
    in_use = await ada.forget(card["id"])
    assert (in_use.status_code, in_use.json()["type"]) == (409, "/problems/card-in-use")
    await till.hear(completed(**DEPOSIT))
    assert (await ada.forget(card["id"])).status_code == 204


async def test_who_sees_a_payment_because_they_run_the_affiliate_has_nothing_of_theirs_kept_by_it(
    till: Till, as_: As
) -> None:
    """Though they are a customer, too."""
    await till.ready()
    payment_id = (await till.payment()).id
    owner = replace(customer(8), affiliates={AFFILIATE: Role.OWNER})
    of = f"/payments/v1/payments/{payment_id}"
    assert (await till.client.get(of, headers=as_(owner))).status_code == 200
    refused = [
        await till.client.put(f"{of}/kept-card", headers=as_(owner)),
        await till.client.put(f"{of}/card", json={"card_id": 1}, headers=as_(owner)),
    ]
    assert [(one.status_code, one.json()["type"]) for one in refused] == [(404, "/problems/no-such-payment")] * 2


async def test_asked_twice_to_keep_a_card_it_is_kept_once(till: Till, ada: Client) -> None:
    """As after a crash between keeping it and crossing that off."""
    await kept(till, ada)
    await keep_card(till.outside, payment_id=(await till.payment()).id)
    assert len(await ada.cards()) == 1


async def test_a_card_that_the_provider_has_of_somebody_else_is_not_kept(till: Till, ada: Client) -> None:
    """Of a deposit that was paid before its customer wanted anything kept: it was saved for that one booking."""
    await till.hear(held(2, **DEPOSIT))
    await till.sandbox.confirm(await till.intent_id(2))
    await settle(till, await till.intent_id(2), SUCCEEDED)
    card_id = await kept(till, ada)
    await keep_card(till.outside, payment_id=(await till.payment(2)).id)
    assert [card["id"] for card in await ada.cards()] == [card_id]
