"""The time, always aware and in UTC. Rules take it as an argument; commands ask here."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("frozen_time", default=None)


def now() -> datetime:
    return _frozen.get() or datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """For tests: `now()` answers `at` in this task and those it starts. PostgreSQL's own clock runs on."""
    token = _frozen.set(at)
    try:
        yield
    finally:
        _frozen.reset(token)
