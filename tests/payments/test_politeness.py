"""The provider is called in turn, not while it asks for a pause, and left alone while it is silent."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from prometheus_client import REGISTRY

from services.payments import clients
from services.payments.clients import Provider
from services.payments.domain.politeness import BACKS_OFF_TO, HOLDS_AT_MOST, Breaker, Held, LeftAlone, Pace
from services.payments.domain.provider import KeySpoilt, RefusedByProvider, Unanswered
from services.payments.settings import Settings
from shared.auth import Actor

from .conftest import AFFILIATE, STATE, As, Till, applied, held

RETRIEVE = "payment_intents.retrieve"
NOWHERE = "pi_nowhere"
LINKS = f"/payments/v1/affiliates/{AFFILIATE}/onboarding-links"


# -- the rules --


def test_calls_are_spread_evenly_and_none_waits_longer_than_it_can() -> None:
    pace = Pace(per_second=4, patience=0.5)
    assert [pace.turn(10), pace.turn(10), pace.turn(10)] == [0, 0.25, 0.5]
    with pytest.raises(Held):
        pace.turn(10)
    assert pace.turn(10.25) == 0.5  # who was sent away has no place in the line
    assert pace.turn(20) == 0


@pytest.mark.parametrize("per_second", [1, 25, 80])
def test_within_any_second_there_are_no_more_than_so_many(per_second: int) -> None:
    pace, sent = Pace(per_second, patience=1_000), []
    for number in range(per_second * 5):
        at = number / (per_second * 3)
        sent.append(at + pace.turn(at))
    for first in sent:
        assert len([at for at in sent if first <= at < first + 1 - 1e-6]) <= per_second


@pytest.mark.parametrize(("asked", "pause"), [(7.0, 7), (3_600.0, HOLDS_AT_MOST), (-1.0, 0), (None, 1)])
def test_a_429_is_a_pause_for_all(asked: float | None, pause: float) -> None:
    pace = Pace(per_second=1_000, patience=0.1)
    pace.hold(100, asked)
    if pause:
        with pytest.raises(Held):
            pace.turn(100 + pause - 0.2)
        with pytest.raises(Held):
            pace.must_not_be_held(100 + pause - 0.01)
    pace.must_not_be_held(100 + pause)
    assert pace.turn(100 + pause) == 0


def test_without_a_time_the_pause_doubles_until_an_answer_comes() -> None:
    pace, at, pauses = Pace(per_second=1_000, patience=0), 0.0, []
    for _ in range(7):
        pace.hold(at, None)
        pace.hold(at, None)  # of those that were under way together only one counts
        pause = next(p for p in (1, 2, 4, 8, 16, 32, 64) if not _is_held(pace, at + p))
        pauses.append(pause)
        at += pause
    assert pauses == [1, 2, 4, 8, 16, 32, BACKS_OFF_TO]
    pace.go_on()
    pace.hold(at, None)
    assert not _is_held(pace, at + 1)


def _is_held(pace: Pace, at: float) -> bool:
    try:
        pace.must_not_be_held(at)
    except Held:
        return True
    return False


def admitted(breaker: Breaker, at: float) -> bool:
    try:
        breaker.admit(at)
    except LeftAlone:
        return False
    return True


def test_so_many_in_a_row_open_it_and_one_call_tries_again() -> None:
    breaker = Breaker(after=3, pause=10)
    for at in (1, 2):
        breaker.unheard(at)
    breaker.heard()
    for at in (3, 4, 5):
        assert admitted(breaker, at)
        breaker.unheard(at)
    assert [admitted(breaker, at) for at in (5, 14.9, 15, 15, 99)] == [False, False, True, False, False]
    breaker.unheard(100)
    assert [admitted(breaker, at) for at in (100, 109, 110, 110)] == [False, False, True, False]
    breaker.given_up()
    assert admitted(breaker, 111)
    breaker.heard()
    assert [admitted(breaker, 111), admitted(breaker, 111)] == [True, True]


# -- on the wire --


class Clock:
    """The machine's, and what a test adds to it."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def provider(app: FastAPI, till: Till, clock: Clock) -> AsyncIterator[Provider]:
    """Impatient: three calls without an answer are enough for it."""
    settings: Settings = app.state.settings
    made = Provider(settings.model_copy(update={"stripe_silent_after": 3, "stripe_pause_seconds": 30}))
    made.transport.clock = clock
    yield made
    await made.aclose()


async def silent(provider: Provider, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unanswered):
            await provider.get_intent(NOWHERE)


async def faults_left(till: Till) -> Any:
    return [fault["times"] for fault in await till.sandbox.control("GET", "faults")]


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("mdh_payments_provider_calls_total", {"outcome": outcome}) or 0


@pytest.mark.parametrize("mode", ["500", "drop", "hang"])
async def test_who_is_silent_is_left_alone_and_tried_again_by_one(
    till: Till, provider: Provider, clock: Clock, mode: str
) -> None:
    intent_id = await till.ready()
    provider.transport._timeout = 0.3
    await till.sandbox.break_next(RETRIEVE, mode, times=10)
    await silent(provider, 3)
    assert (await faults_left(till), REGISTRY.get_sample_value("mdh_payments_provider_left_alone")) == ([7], 1)
    before = counted("left_alone")
    with pytest.raises(LeftAlone):
        await provider.get_intent(intent_id)
    assert (await faults_left(till), counted("left_alone") - before) == ([7], 1)
    clock.ahead = 31
    answers = await asyncio.gather(*(provider.get_intent(intent_id) for _ in range(5)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["LeftAlone"] * 4 + ["Unanswered"]
    assert await faults_left(till) == [6]
    await till.sandbox.control("DELETE", "faults")
    await silent(provider)
    clock.ahead = 62
    assert (await provider.get_intent(intent_id)).id == intent_id
    assert REGISTRY.get_sample_value("mdh_payments_provider_left_alone") == 0


async def test_an_answer_in_between_starts_the_count_anew(till: Till, provider: Provider) -> None:
    intent_id = await till.ready()
    for _ in range(3):
        await till.sandbox.break_next(RETRIEVE, "500", times=2)
        await silent(provider, 2)
        assert (await provider.get_intent(intent_id)).id == intent_id


async def test_a_refusal_and_a_failure_kept_for_its_key_are_answers(till: Till, provider: Provider) -> None:
    await till.deliver(held())
    payment = await till.payment()
    await till.sandbox.break_next("payment_intents.create", "500-stored")
    with pytest.raises(Unanswered):
        await provider.create_intent(payment)
    for _ in range(4):
        with pytest.raises(KeySpoilt):
            await provider.create_intent(payment)
    with pytest.raises(RefusedByProvider):
        await provider.get_intent(NOWHERE)


async def test_a_probe_that_is_given_up_makes_room_for_the_next(till: Till, provider: Provider, clock: Clock) -> None:
    intent_id = await till.ready()
    await till.sandbox.break_next(RETRIEVE, "500", times=3)
    await silent(provider, 3)
    clock.ahead = 31
    await till.sandbox.break_next(RETRIEVE, "hang")
    probe = asyncio.create_task(provider.get_intent(intent_id))
    while await faults_left(till):
        await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert (await provider.get_intent(intent_id)).id == intent_id


async def test_a_429_holds_back_all_calls_for_as_long_as_it_asks(till: Till, provider: Provider, clock: Clock) -> None:
    intent_id = await till.ready()
    await till.sandbox.break_next(RETRIEVE, "429", times=2, retry_after=30)
    await silent(provider)
    throttled, before = counted("throttled"), counted("held")
    with pytest.raises(Held):
        await provider.get_intent(intent_id)
    assert (await faults_left(till), counted("held") - before, counted("throttled") - throttled) == ([1], 1, 0)
    clock.ahead = 30
    await silent(provider)
    assert (await faults_left(till), counted("throttled") - throttled) == ([], 1)
    clock.ahead = 60
    assert (await provider.get_intent(intent_id)).id == intent_id


async def test_who_waits_while_another_is_told_to_pause_is_not_sent(till: Till, provider: Provider) -> None:
    intent_id = await till.ready()
    provider.transport._pace._gap = 0.5
    await till.sandbox.break_next(RETRIEVE, "429", retry_after=30)
    answers = await asyncio.gather(*(provider.get_intent(intent_id) for _ in range(3)), return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["Unanswered", "Held", "Held"]


async def test_each_page_of_a_list_is_a_call(till: Till, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PAGE", 1)
    intent_id = await till.captured()
    for _ in range(3):
        await till.sandbox.stripe.refunds.create_async({"payment_intent": intent_id, "amount": 100})
    before = counted("answered")
    assert len(await provider.refunds_of(intent_id)) == 3
    assert counted("answered") - before == 3


async def test_while_it_is_left_alone_tasks_wait_and_people_are_told_at_once(till: Till, as_: As) -> None:
    await till.deliver(applied())
    await till.work()
    clock = Clock()
    till.outside.client(Provider).transport.clock = clock
    await till.deliver(held())
    await till.sandbox.break_next("*", "500", times=10)
    for _ in range(10):
        with pytest.raises(Unanswered):
            await till.work()
    assert await faults_left(till) == []
    with pytest.raises(LeftAlone):
        await till.work()
    answer = await till.client.post(LINKS, headers=as_(Actor(user_id=STATE["owner_user_id"])))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/provider-silent")
    clock.ahead = 11
    await till.work()
    payment = await till.payment()
    assert await till.intents_of(payment) == [payment.stripe_payment_intent_id]
