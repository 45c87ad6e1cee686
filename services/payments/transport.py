"""Calls on their way to the provider: in turn, not while it is silent, and counted."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import stripe
from prometheus_client import Counter, Gauge, Histogram

from .domain.politeness import Breaker, Held, LeftAlone, Pace

CALLS = Counter("mdh_payments_provider_calls_total", "Calls of the payment provider", ["outcome"])
WAITED = Histogram("mdh_payments_provider_wait_seconds", "Time that a call waited for its turn")
OPEN = Gauge("mdh_payments_provider_left_alone", "1 while the provider is silent and nothing is sent to it")

Answer = tuple[bytes, int, Mapping[str, str]]


class Transport(stripe.HTTPXClient):
    """Below the library, so that every request passes here, each page of a list too."""

    def __init__(self, pace: Pace, breaker: Breaker, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._pace, self._breaker = pace, breaker
        self.clock = time.monotonic

    async def request_async(self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None) -> Answer:
        try:
            self._breaker.admit(self.clock())
        except LeftAlone:
            CALLS.labels("left_alone").inc()
            raise
        try:
            await self._wait()
            answer: Answer = await super().request_async(method, url, headers, post_data)
        except stripe.APIConnectionError:
            self._note_silence()
            raise
        except BaseException:
            self._breaker.given_up()
            raise
        self._note(answer)
        return answer

    async def _wait(self) -> None:
        try:
            wait = self._pace.turn(self.clock())
            if wait:
                await asyncio.sleep(wait)
                self._pace.must_not_be_held(self.clock())
        except Held:
            CALLS.labels("held").inc()
            raise
        WAITED.observe(wait)

    def _note(self, answer: Answer) -> None:
        _, status, headers = answer
        # A failure that is repeated for its key is an answer: the provider remembers.
        if status >= 500 and headers.get("idempotent-replayed") != "true":
            self._note_silence()
            return
        self._breaker.heard()
        OPEN.set(0)
        if status == 429:
            self._pace.hold(self.clock(), _seconds(headers.get("retry-after")))
        else:
            self._pace.go_on()
        CALLS.labels("throttled" if status == 429 else "answered").inc()

    def _note_silence(self) -> None:
        self._breaker.unheard(self.clock())
        OPEN.set(self._breaker.is_open)
        CALLS.labels("silent").inc()


def _seconds(retry_after: str | None) -> float | None:
    """None also for the other way to write it, a date."""
    try:
        return float(retry_after or "")
    except ValueError:
        return None
