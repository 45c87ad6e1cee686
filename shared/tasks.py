"""Calls to the outside world (payment provider, mail server): decided in a transaction, made outside of any.

`tasks.enqueue(session, call, **arguments)` stores the intention beside the data that made it necessary. A worker takes
it with a lease, calls `call(outside, **arguments)` with no transaction open, and crosses it off. A crash in between
means that it is called again when the lease has run out: what is called must bear that (an idempotency key, a look-up
first). After `MAX_TRIES` a task stays as `failed`, to be seen and to be sent again by an operator.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import structlog
from sqlalchemy import ARRAY, BigInteger, all_, any_, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared import telemetry
from shared.context import Cause, cause, caused_by, upon
from shared.db import Database, Keyed, dsn, write_with_flush
from shared.outbox import PlatformBase
from shared.stopping import finish

log = structlog.get_logger()
T = TypeVar("T")

CHANNEL = "tasks"
LEASE = timedelta(seconds=60)  # longer than any call may take
BACKOFF = (1, 2, 5, 15, 60, 300, 900, 1800, 3600)  # seconds
MAX_TRIES = 24
POLL = 2.0  # seconds
AT_ONCE = 10


class NotNow(Exception):
    """The call should be made again after `delay`, which is no failure."""

    def __init__(self, delay: timedelta) -> None:
        self.delay = delay


class NeverFinished(Exception):
    """Every worker that made this call was gone before it ended."""


class Outside:
    """What a call to the outside has at hand: transactions to begin, and the clients that its service brought."""

    def __init__(self, database: Database, clients: tuple[object, ...] = ()) -> None:
        self._database, self._clients = database, clients

    def begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self._database.begin()

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self._database.read()

    def alone(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self._database.alone()

    def client(self, kind: type[T]) -> T:
        return next(client for client in self._clients if isinstance(client, kind))


Call = Callable[..., Awaitable[None]]


class Task(Keyed, PlatformBase, kw_only=True):
    """A call that is to be made. `due_at`, by the database's clock, is also the lease: it is moved ahead while a worker
    is at it, and whoever finds another lease there than its own has lost it."""

    __tablename__ = "tasks"

    name: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    failed: Mapped[bool] = mapped_column(default=False)
    last_error: Mapped[str | None] = mapped_column(default=None)
    correlation_id: Mapped[str]
    causation_id: Mapped[str | None] = mapped_column(default=None)
    actor: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())


# Built once: it is sent for each call.
STORE = insert(Task.__table__).values(due_at=func.coalesce(bindparam("due"), func.now()))  # type: ignore[arg-type]


@dataclass
class Tasks:
    """The calls that one service makes: `tasks = Tasks("payments")`."""

    service: str
    all: dict[str, Call] = field(default_factory=dict)

    def call(self, function: Call) -> Call:
        self.all[function.__name__] = function
        return function

    def enqueue(
        self, session: AsyncSession, function: Call, *, due_at: datetime | None = None, **arguments: Any
    ) -> None:
        """In the caller's transaction: have `function(outside, **arguments)` called, now or at `due_at`."""
        assert function.__name__ in self.all
        because = cause()
        row = {
            "name": function.__name__,
            "arguments": arguments,
            "due": due_at,
            "correlation_id": because.correlation_id,
            "causation_id": because.causation_id,
            "actor": because.actor,
        }
        write_with_flush(session, _store, row)


def _store(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(STORE, rows)


class Runner:
    """Makes the calls of one service that are due; any number of replicas may run."""

    def __init__(self, tasks: Tasks, database: Database, outside: Outside) -> None:
        self._tasks, self._database, self._outside = tasks, database, outside
        self._woken, self._looking = asyncio.Event(), asyncio.Lock()
        self._idle = 0
        self._claimed: deque[Task] = deque()
        self._made: list[int] = []

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                for _ in range(AT_ONCE):
                    group.create_task(self._take_turns())
        finally:
            with contextlib.suppress(Exception):
                await finish(self._look(0))

    async def _listen(self) -> None:
        while True:
            try:
                connection = await asyncpg.connect(dsn(self._database.url), timeout=5)
                try:
                    await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
                    while not connection.is_closed():
                        await asyncio.sleep(POLL)
                finally:
                    await connection.close(timeout=2)
            except Exception as error:
                log.warning("tasks.database_away", service=self._tasks.service, error=repr(error))
            await asyncio.sleep(POLL)

    async def _take_turns(self) -> None:
        """One looks at a time, and for as many as wait for it to find something: each gets one of what it finds."""
        while True:
            try:
                await finish(self._make(await self._next()))
                self._woken.set()
            except Exception as error:
                log.warning("tasks.database_away", service=self._tasks.service, error=repr(error))
                await asyncio.sleep(POLL)

    async def _next(self) -> Task:
        self._idle += 1
        try:
            async with self._looking:
                while not self._claimed and not await self._look(self._idle):
                    await self._wait()
                return self._claimed.popleft()
        finally:
            self._idle -= 1

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._woken.wait()
        self._woken.clear()

    async def work_one(self) -> bool:
        """Take one task that is due and make its call; says whether there was one."""
        if not await self._look(1):
            return False
        await self._make(self._claimed.popleft())
        await self._look(0)
        return True

    async def _look(self, limit: int) -> bool:
        """Claim as many as that, and cross off what was made; says whether any is claimed. A crash before means that
        what was made is made again."""
        made = list(self._made)
        if made or limit:
            async with self._database.alone() as session:
                self._claimed += await _claim(session, limit, made)
            self._made = self._made[len(made) :]
        return bool(self._claimed)

    async def _make(self, task: Task) -> None:
        actor = upon(self._tasks.service, task.actor or "")
        with caused_by(Cause(task.correlation_id, task.causation_id, actor)):
            await self._call(task)

    async def _call(self, task: Task) -> None:
        try:
            if task.tries > MAX_TRIES:
                raise NeverFinished
            async with asyncio.timeout(LEASE.total_seconds() / 2):
                await self._tasks.all[task.name](self._outside, **task.arguments)
        except NotNow as later:
            await self._put_off(task, later.delay, tries=0, error=None)
        except Exception as error:
            log.warning("task.failed", task=task.name, tries=task.tries, exc_info=error)
            telemetry.TASKS.labels(self._tasks.service, task.name, "failed").inc()
            delay = timedelta(seconds=BACKOFF[min(task.tries, len(BACKOFF)) - 1])
            await self._put_off(task, delay, tries=task.tries, error=repr(error)[:2000])
        else:
            telemetry.TASKS.labels(self._tasks.service, task.name, "done").inc()
            self._made.append(task.id)

    async def _put_off(self, task: Task, delay: timedelta, *, tries: int, error: str | None) -> None:
        values: dict[str, Any] = {
            "due_at": func.now() + delay,
            "tries": tries,
            "last_error": error,
            "failed": tries >= MAX_TRIES,
        }
        async with self._database.begin() as session:
            mine = (Task.id == task.id) & (Task.due_at == task.due_at)
            await session.execute(update(Task).where(mine).values(values))


async def _claim(session: AsyncSession, limit: int, made: list[int]) -> Sequence[Task]:
    """The longest due first, looked for once, whatever plan the database takes, and not at every row anew."""
    return (await session.scalars(CLAIM, {"limit": limit, "made": made})).all()


MADE = bindparam("made", type_=ARRAY(BigInteger))
CROSSED_OFF = delete(Task).where(Task.id == any_(MADE)).cte("crossed_off")
DUE = (
    select(Task.id)
    .where(Task.due_at <= func.now(), ~Task.failed, Task.id != all_(MADE))
    .order_by(Task.due_at)
    .limit(bindparam("limit", type_=BigInteger))
    .with_for_update(skip_locked=True)
)
CLAIM = (
    update(Task)
    .where(Task.id == any_(func.array(DUE.scalar_subquery())))
    .values(due_at=func.now() + LEASE, tries=Task.tries + 1)
    .returning(Task)
    .add_cte(CROSSED_OFF)
    .execution_options(synchronize_session=False)
)
