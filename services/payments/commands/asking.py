"""How the provider is asked for something that must happen once, whatever gets lost on the way."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from shared.clock import now
from shared.tasks import Outside

from ..domain.intention import Intention
from ..domain.provider import KeySpoilt

T = TypeVar("T")


async def ask(
    outside: Outside, intention: Intention, call: Callable[[], Awaitable[T]], find: Callable[[], Awaitable[T | None]]
) -> T:
    """The same key as long as it means something; then what came of it is looked up; only when that shows that
    nothing did, a new attempt is stored and made."""
    if intention.key_holds(now()):
        with suppress(KeySpoilt):
            return await call()
    found = await find()
    if found is not None:
        return found
    async with outside.begin() as session:
        session.add(intention)
        intention.try_anew(now())
    return await call()
