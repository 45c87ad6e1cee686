"""A process of a service that ends itself at a named point, as `kill -9` does: nothing is written, nothing is closed.

It lives among the tests, so that no installed program has a way to be told where to die.
"""

import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import sqlalchemy

from shared import jobs, serve, tasks

WAITED_FOR, SOON = ("expire_unpaid", "ask_about_open_payments", "hold_on_saved_cards"), timedelta(seconds=1)
SQL, WIRE = "sql", "wire"
SENT, ANSWERED = "http11.send_request_body.complete", "http11.receive_response_headers.complete"


@dataclass(frozen=True)
class Point:
    """`where` is a function (`module:Class.method`, also by its key in a dict), `sql`, or `wire`; of its passes those
    count that are about something: a consumer, a task, a statement and what is in it, a request. The first of them is
    the last."""

    where: str
    when: str
    about: str = ""

    def is_about(self, *what: object) -> bool:
        return not self.about or self.about in repr(what)


def before(where: str, about: str = "") -> Point:
    return Point(where, "before", about)


def after(where: str, about: str = "") -> Point:
    return Point(where, "after", about)


def on_the_wire(request: str, when: str) -> Point:
    """A request (`POST /v1/refunds`) was `SENT`; or its answer's first bytes are here, `ANSWERED`."""
    return Point(WIRE, when, request)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run(service: str, environment: Mapping[str, str], log: str, point: Point | None) -> None:
    """What the process does, from its beginning to its end."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(environment)
    _hurry(service)
    if point is not None:
        _lay(point)
    serve.serve(service)


def _hurry(service: str) -> None:
    """What a test waits for comes every second, and what failed is tried again at once."""
    tasks.BACKOFF = (0.2,) * len(tasks.BACKOFF)  # type: ignore[assignment]
    own: jobs.Jobs = importlib.import_module(f"services.{service}.jobs").jobs
    own.all[:] = [jobs.Job(job.run, SOON if job.name in WAITED_FOR else job.interval) for job in own.all]


def _lay(point: Point) -> None:
    if point.where == SQL:
        _lay_in_sql(point)
    elif point.where == WIRE:
        _lay_on_the_wire(point)
    else:
        _lay_in_function(point)


def _lay_in_sql(point: Point) -> None:
    def pass_by(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if point.is_about(statement, parameters):
            die()

    sqlalchemy.event.listen(sqlalchemy.Engine, f"{point.when}_cursor_execute", pass_by)


def _lay_on_the_wire(point: Point) -> None:
    send = httpx.AsyncClient.send

    async def watched(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        async def see(event: str, _info: Any) -> None:
            if event == point.when:
                die()

        if point.is_about(f"{request.method} {request.url.path}"):
            request.extensions["trace"] = see
        return await send(client, request, **options)

    httpx.AsyncClient.send = watched  # type: ignore[method-assign,assignment]


def place_of(point: Point) -> tuple[Any, str, Callable[..., Any]]:
    """Where a function is: in what, under which name."""
    module, _, path = point.where.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(_part, owners, importlib.import_module(module))
    return owner, name, _part(owner, name)


def _lay_in_function(point: Point) -> None:
    owner, name, function = place_of(point)
    mined = _mined(function, point)
    if isinstance(owner, dict):
        owner[name] = mined
    else:
        setattr(owner, name, mined)


def _part(owner: Any, name: str) -> Any:
    return owner[name] if isinstance(owner, dict) else getattr(owner, name)


def _mined(function: Callable[..., Any], point: Point) -> Callable[..., Any]:
    def here(when: str, *what: object) -> None:
        if point.when == when and point.is_about(*what):
            die()

    @functools.wraps(function)
    async def later(*args: Any, **kwargs: Any) -> Any:
        here("before", args, kwargs)
        result = await function(*args, **kwargs)
        here("after", args, kwargs, result)
        return result

    @functools.wraps(function)
    def at_once(*args: Any, **kwargs: Any) -> Any:
        here("before", args, kwargs)
        result = function(*args, **kwargs)
        here("after", args, kwargs, result)
        return result

    return later if inspect.iscoroutinefunction(function) else at_once
