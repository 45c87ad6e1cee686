"""What operators are told about Stripe is what the code does."""

import re
from pathlib import Path
from typing import get_args

import pytest
import stripe
from stripe.params import WebhookEndpointCreateParams

from deploy.local.stripe.settings import API_VERSION
from services.payments.commands.webhooks import ACCOUNT_EVENT, ACTED_UPON
from services.payments.domain.webhook import Outcome
from tests.payments.conftest import Till
from tests.payments.test_webhooks import intent_event, signed

OPERATIONS = Path(__file__).parent.parent.parent / "docs" / "operations.md"
ROW = re.compile(r"^\| of (your account|connected accounts) \| (.*) \|$", re.MULTILINE)


def told() -> dict[str, list[str]]:
    """The events to be switched on, by endpoint."""
    return {endpoint: re.findall(r"`([a-z_.]+)`", events) for endpoint, events in ROW.findall(OPERATIONS.read_text())}


def test_the_events_to_be_switched_on_are_those_that_are_acted_upon() -> None:
    assert told().keys() == {"your account", "connected accounts"}
    assert told()["connected accounts"] == [ACCOUNT_EVENT]
    assert sorted(event for events in told().values() for event in events) == sorted(ACTED_UPON)


def test_stripe_knows_each_of_them() -> None:
    [names] = get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    assert set(ACTED_UPON) <= set(get_args(names))


def test_the_version_is_the_librarys_and_the_sandboxs() -> None:
    assert stripe.api_version == API_VERSION
    assert f"`{API_VERSION}`" in OPERATIONS.read_text()


@pytest.mark.parametrize("kind", ["payment_intent.created", "charge.dispute.funds_withdrawn"])
async def test_others_are_stored_and_nothing_follows(till: Till, kind: str) -> None:
    await till.post(signed(intent_event(kind, f"evt_{kind}")))
    [webhook] = await till.webhooks()
    assert (webhook.outcome is Outcome.IGNORED, await till.waiting() == []) == ((kind not in ACTED_UPON),) * 2
