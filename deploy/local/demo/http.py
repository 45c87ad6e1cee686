"""Requests that say what was expected and what came; waiting for what other services have yet to do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from .options import PATIENCE

T = TypeVar("T")

TOO_MANY, AWAY = 429, (502, 503, 504)
TRIES = 30
POLL = 0.05  # seconds


class Unexpected(Exception):
    """One line: what was expected, and what came instead."""


class Away(Unexpected):
    """Nobody could answer at that moment; asking again may help."""


async def ask(http: httpx.AsyncClient, method: str, url: str, *, expect: int = 200, **request: Any) -> httpx.Response:
    """The answer, if it has the expected status. Waits when the gateway says that it was asked too fast."""
    asked = f"{method} {url}"
    for _ in range(TRIES):
        try:
            response = await http.request(method, url, **request)
        except httpx.TransportError as error:
            raise Away(f"{asked}: expected {expect}, came {type(error).__name__} {error}".rstrip()) from error
        if response.status_code == expect:
            return response
        if response.status_code != TOO_MANY:
            break
        await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
    kind = Away if response.status_code in AWAY else Unexpected
    raise kind(f"{asked}: expected {expect}, came {response.status_code} {_words(response)}")


def came(error: Unexpected, *statuses: int) -> bool:
    return any(f", came {status} " in str(error) for status in statuses)


async def until(what: str, look: Callable[[], Awaitable[T | None]], within: float = PATIENCE) -> T:
    """Looks again and again until there is something to see. A service that is away has nothing to show yet."""
    deadline, last = time.monotonic() + within, "nothing"
    while time.monotonic() < deadline:
        try:
            if (seen := await look()) is not None:
                return seen
        except Away as away:
            last = str(away)
        await asyncio.sleep(POLL)
    raise Unexpected(f"{what}: expected within {within:.0f} s, came {last}")


def _words(response: httpx.Response) -> str:
    """A problem's title and detail, or the beginning of whatever it is, and the request's id."""
    try:
        told = response.json()
        text = f"{told['title']}: {told['detail']} {told.get('errors', '')}".strip()
    except (ValueError, KeyError, TypeError):
        text = response.text[:200]
    return f"{text} (request {response.headers.get('X-Request-ID', 'without id')})"
