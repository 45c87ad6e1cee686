"""Builds a service from its parts, in the role that this process has."""

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from opentelemetry import propagate, trace
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import health, telemetry, watch
from shared.consumers import Consumers
from shared.context import Cause, caused_by
from shared.db import Database
from shared.ids import new_id
from shared.jobs import Job, Jobs, forget_old_runs, keep_running
from shared.keys import KeySet
from shared.problems import MEDIA_TYPE, PROBLEM_SCHEMA, answer_problems, failed
from shared.relay import Relay
from shared.revocation import Revocations
from shared.settings import Role, Settings
from shared.tasks import Outside, Runner, Tasks
from shared.worker import Worker

log = structlog.get_logger()
tracer = trace.get_tracer("mdh")

HOUSEKEEPING = timedelta(hours=1)
NOT_KEPT = (b"cache-control", b"no-store")  # unless the answer itself says otherwise: most are about somebody
SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What pages of other origins may do, if any origin is allowed at all (Fetch standard).
CROSS_ORIGIN: dict[str, Any] = {
    "allow_credentials": True,
    "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": ["Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID"],
    "expose_headers": [
        "ETag",
        "Location",
        "Retry-After",
        "X-Request-ID",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
    ],
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def build(
    name: str,
    settings: Settings,
    *,
    routers: Sequence[APIRouter],
    consumers: Consumers | None = None,
    jobs: Jobs | None = None,
    tasks: Tasks | None = None,
    clients: tuple[object, ...] = (),
) -> FastAPI:
    """The app of service `name`. `clients` are what its tasks call; those with `aclose()` are closed at the end."""
    app = FastAPI(
        title=f"Mobile Detail Hub: {name}",
        version="1",
        lifespan=_lifespan,
        docs_url=f"/{name}/docs",
        redoc_url=None,
        openapi_url=f"/{name}/openapi.json",
        generate_unique_id_function=_operation_id,
        responses={"default": {"description": "A refusal", "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}},
        telemetry={"tracing": False},
    )
    app.state.name, app.state.settings, app.state.clients = name, settings, clients
    app.state.consumers = consumers or Consumers(name)
    app.state.jobs, app.state.tasks = jobs or Jobs(name), tasks or Tasks(name)
    app.state.database = Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool,
        application_name=f"{name} {settings.role}",
    )
    if source := settings.jwks_file or settings.jwks_url:
        app.state.keys = KeySet(source)
    app.state.revocations = Revocations(app.state.database)
    answer_problems(app)
    app.include_router(health.router)
    if settings.role is not Role.WORKER:
        for router in routers:
            app.include_router(router)
    _around(app, name, settings)
    return app


def _around(app: FastAPI, name: str, settings: Settings) -> None:
    if settings.other_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.other_origins, **CROSS_ORIGIN)
    app.add_middleware(_Observed, service=name)


def _operation_id(route: APIRoute) -> str:
    return route.name


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start what works in the background; at the end let it finish what it has begun."""
    settings: Settings = app.state.settings
    coroutines = _background(app, settings) if settings.role is not Role.API else []
    if settings.role is not Role.WORKER:
        coroutines += [app.state.revocations.keep_fresh(), app.state.keys.keep_fresh()]
    background = [asyncio.create_task(coroutine) for coroutine in coroutines]
    for task in background:
        task.add_done_callback(_must_not_end)
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        for client in app.state.clients:
            if hasattr(client, "aclose"):
                await client.aclose()
        await app.state.database.close()


def _background(app: FastAPI, settings: Settings) -> list[Any]:
    name, database = app.state.name, app.state.database
    assert settings.amqp_url is not None
    amqp_url = settings.amqp_url.get_secret_value()
    consumers = app.state.consumers.all
    app.state.worker = Worker(name, consumers, database, amqp_url, prefetch=settings.prefetch)
    jobs = [*app.state.jobs.all, Job(forget_old_runs, HOUSEKEEPING)]
    queues = [consumer.queue for consumer in consumers] + [f"{name}.dead"]
    return [
        app.state.worker.run(),
        Relay(name, database.url, amqp_url).run(),
        keep_running(database, name, jobs),
        Runner(app.state.tasks, database, Outside(database, app.state.clients)).run(),
        watch.keep_watching(name, database, amqp_url, queues),
    ]


def _must_not_end(task: asyncio.Task[None]) -> None:
    """One that ends though nobody cancelled it is a defect, and what is left of the process must not stay: finish the
    requests in work, then let the supervisor start a new process."""
    if not task.cancelling():
        log.critical("background.died", exc_info=None if task.cancelled() else task.exception())
        signal.raise_signal(signal.SIGTERM)


class _Observed:
    """Gives each request an id, a trace span, one log line and one measurement."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health/", "/metrics")):
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        request_id = given if SANE_ID.fullmatch(given) else str(new_id())
        began, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = scope.get("state", {}).get("announced", {}) | {"x-request-id": request_id}
                message["headers"] = [*message["headers"], *((k.lower().encode(), v.encode()) for k, v in own.items())]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    message["headers"].append(NOT_KEPT)
            await send(message)

        carried = {
            k.decode("latin-1"): v.decode("latin-1")
            for k, v in scope["headers"]
            if k in (b"traceparent", b"tracestate")
        }
        with caused_by(Cause(request_id)), tracer.start_as_current_span("http", context=propagate.extract(carried)):
            try:
                await self._app(scope, receive, answer)
            except Exception as error:
                if status:  # half of an answer is out
                    raise
                await failed(Request(scope), error)(scope, receive, answer)
            finally:
                self._measure(scope, status or 500, time.perf_counter() - began)

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if scope["method"] in METHODS else "other"
        telemetry.REQUESTS.labels(self._service, method, route, status).observe(seconds)
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
