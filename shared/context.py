"""Who asked, and because of what: carried from the request to its events, and from an event to what it causes.

Context variables, so that neither rules nor commands have to hand them on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

import structlog

from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Cause:
    """What is being worked on.

    `correlation_id` is the same over a whole journey (the request's X-Request-ID); `causation_id` is the id of the
    event that is being consumed; `actor` is `user:<id>`, `service:<name>` or `anonymous`. Where a member of staff acts
    for a user it is `user:<staff> as user:<id>`, and `service:<name> for user:<staff> as user:<id>` in what follows.
    """

    correlation_id: str
    causation_id: str | None = None
    actor: str = "anonymous"


_current: ContextVar[Cause | None] = ContextVar("cause", default=None)


def cause() -> Cause:
    return _current.get() or Cause(correlation_id=str(new_id()))


@contextmanager
def caused_by(new: Cause) -> Iterator[None]:
    token = _current.set(new)
    with structlog.contextvars.bound_contextvars(correlation_id=new.correlation_id, actor=new.actor):
        try:
            yield
        finally:
            _current.reset(token)


def acting(actor: str) -> None:
    """Name the actor once the token was verified; holds until the surrounding `caused_by` ends."""
    _current.set(replace(cause(), actor=actor))
    structlog.contextvars.bind_contextvars(actor=actor)


def upon(service: str, actor: str) -> str:
    """Who a service is when it acts upon what `actor` did: itself, and visibly so if support acted for a user."""
    origin = actor.partition(" for ")[2] or actor
    return f"service:{service} for {origin}" if " as " in origin else f"service:{service}"
