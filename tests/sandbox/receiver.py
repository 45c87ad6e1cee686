"""A receiver of webhooks that keeps what it was sent and answers as a test wants."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ARRIVES_WITHIN_SECONDS = 15


@dataclass(frozen=True)
class Received:
    body: bytes
    signature: str

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def about(self) -> str:
        """The account, transfer or intent that it is about, a payment's directly or by a charge or refund."""
        subject = self.event["data"]["object"]
        itself = subject["object"] in ("account", "payment_intent", "setup_intent", "transfer")
        return str(subject["id"] if itself else subject.get("payment_intent"))


class Receiver:
    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: deque[int] = deque()
        self.news = asyncio.Condition()
        self.server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def open(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request per connection is enough."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            status = self.answers.popleft() if self.answers else 200
            writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            await self._note(Received(body, headers["stripe-signature"]))
        finally:
            writer.close()

    async def _note(self, received: Received) -> None:
        async with self.news:
            self.received.append(received)
            self.news.notify_all()

    def about(self, intent: str, kind: str | None = None) -> list[Received]:
        return [one for one in self.received if one.about == intent and kind in (None, one.event["type"])]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the condition says of the received; a bound turns waiting in vain into a failure."""
        async with asyncio.timeout(ARRIVES_WITHIN_SECONDS), self.news:
            await self.news.wait_for(condition)

    async def wait_for(self, intent: str, kind: str, count: int = 1) -> list[Received]:
        await self.until(lambda: len(self.about(intent, kind)) >= count)
        return self.about(intent, kind)
