"""How a process ends: what was begun is finished, and nothing new is begun. SIGTERM to exit takes 20 s at most."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

REQUESTS = 8  # seconds that HTTP requests in work have before the rest is stopped; a process that only answers has more
REQUESTS_ALONE = 15
GRACE = 7.0  # seconds that messages, tasks, jobs and the relay's batch in work have, all at the same time


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Do it to its end, or for `GRACE` seconds, even when cancelled meanwhile; the cancellation follows then."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=GRACE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
