"""Delivers webhooks in the background, again and again until they are answered 2xx."""

import asyncio
import json
import logging
import time
from contextlib import suppress
from sqlite3 import Row

import httpx

from .deliveries import Deliveries
from .signature import sign

log = logging.getLogger(__name__)

AT_ONCE = 16
ANSWER_WITHIN_SECONDS = 10.0
LONGEST_NAP_SECONDS = 5.0


class Courier:
    def __init__(self, deliveries: Deliveries, secret: str) -> None:
        self.deliveries = deliveries
        self.secret = secret
        self.awake = asyncio.Event()
        self.under_way: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """There may be something to deliver: called after each transaction that could have planned it."""
        self.awake.set()

    async def run(self) -> None:
        self.deliveries.hurry()
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN_SECONDS, trust_env=False) as client:
            try:
                while True:
                    self._round(client)
                    await self._nap()
            finally:
                await self._stop()

    def _round(self, client: httpx.AsyncClient) -> None:
        """One bad round must not end deliveries for good: it is logged, and the next one comes."""
        try:
            for delivery in self.deliveries.due(limit=AT_ONCE + len(self.under_way)):
                if delivery["id"] not in self.under_way and len(self.under_way) < AT_ONCE:
                    self.under_way[delivery["id"]] = asyncio.create_task(self._deliver(client, delivery))
        except Exception:
            log.exception("webhook.round_failed")

    async def _nap(self) -> None:
        """Until the next delivery is due, or until woken. Those under way wake us when they end."""
        due = self.deliveries.next_due(self.under_way) if len(self.under_way) < AT_ONCE else None
        wait = LONGEST_NAP_SECONDS if due is None else min(max(due - time.time(), 0.01), LONGEST_NAP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self.awake.wait()
        self.awake.clear()

    async def _deliver(self, client: httpx.AsyncClient, delivery: Row) -> None:
        status, error = None, None
        try:
            status = await self._post(client, delivery)
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            error = repr(failure)
        finally:
            self.under_way.pop(delivery["id"], None)
        self.deliveries.answered(delivery, status, error)
        self.wake()

    async def _post(self, client: httpx.AsyncClient, delivery: Row) -> int:
        payload = json.dumps(json.loads(delivery["body"]), indent=2).encode()
        signature = sign(payload, self.secret, int(time.time()) + delivery["skew"])
        body = payload.replace(b'"livemode": false', b'"livemode": true ', 1) if delivery["tampered"] else payload
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json; charset=utf-8"}
        headers["User-Agent"] = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
        response = await client.post(self.deliveries.url, content=body, headers=headers)
        return response.status_code

    async def _stop(self) -> None:
        """What is under way stays pending in the store and is sent again by the next process."""
        tasks = list(self.under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
