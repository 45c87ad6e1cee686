"""A client that costs the machine as little as it can: what it takes, the system under measurement does not get."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    seconds: float
    body: bytes = b""


@dataclass(frozen=True)
class Run:
    """What came of many requests, and how long all of it took."""

    seconds: float
    answers: Sequence[Answer]

    def only(self, status: int) -> "Run":
        return Run(self.seconds, [answer for answer in self.answers if answer.status == status])

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    @property
    def per_second(self) -> float:
        return len(self.answers) / self.seconds

    def ms(self, percent: float) -> float:
        """The time within which so many percent were answered."""
        return percentile([answer.seconds for answer in self.answers], percent) * 1000


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank; not a number when there is none."""
    if not values:
        return float("nan")
    return sorted(values)[min(int(len(values) * percent / 100), len(values) - 1)]


def request(method: str, path: str, token: str = "", body: Any = None, key: str = "") -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Idempotency-Key: {key}"] if key else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection:
    """One kept-alive connection: HTTP/1.1 as far as these services speak it."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._at.hostname, self._at.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, request: bytes) -> Answer:
        began = time.perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
        body = await self._reader.readexactly(int(length or 0))
        return Answer(int(head[9:12]), time.perf_counter() - began, body)


async def in_flight(url: str, requests: Iterable[bytes], n: int = IN_FLIGHT, within: float = 20.0) -> Run:
    """So many requests at once, each on its connection, until all are answered or the time is up."""
    waiting, answers = iter(requests), list[Answer]()
    began = time.perf_counter()

    async def client() -> None:
        async with Connection(url) as connection:
            for one in waiting:
                answers.append(await connection.ask(one))
                if time.perf_counter() - began > within:
                    return

    await asyncio.gather(*(client() for _ in range(n)))
    return Run(time.perf_counter() - began, answers)


async def at_once(url: str, requests: Sequence[bytes]) -> Run:
    """Every request on its connection, sent when all are connected."""
    barrier, began = asyncio.Barrier(len(requests)), time.perf_counter()

    async def client(one: bytes) -> Answer:
        async with Connection(url) as connection:
            await barrier.wait()
            return await connection.ask(one)

    answers = await asyncio.gather(*(client(one) for one in requests))
    return Run(time.perf_counter() - began, answers)
