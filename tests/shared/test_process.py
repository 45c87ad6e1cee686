"""What an operator sees of a process: settings, probes, logs, metrics, traces."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from pydantic import ValidationError
from sqlalchemy import text

from shared.db import Database
from shared.settings import Profile, Role, Settings

from .conftest import expired, tell

URL = "postgresql+asyncpg://booking:app@127.0.0.1:1/mdh_booking"


def settings(**more: Any) -> Settings:
    return Settings(**{"database_url": URL, "jwks_url": "http://127.0.0.1:1/", "role": Role.API} | more)


def test_without_its_secrets_a_process_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MDH_DATABASE_URL", "MDH_AMQP_URL", "MDH_JWKS_URL", "MDH_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    incomplete: list[dict[str, Any]] = [
        {},
        {"database_url": URL},
        {"database_url": URL, "jwks_url": "http://x/", "role": Role.WORKER},
    ]
    for missing in incomplete:
        with pytest.raises(ValidationError):
            Settings(**missing)
    assert settings().profile is Profile.PRODUCTION


def test_a_password_in_the_settings_is_not_shown() -> None:
    assert "app@" not in repr(settings())


async def test_ready_knows_the_database_and_live_knows_nothing(
    client: httpx.AsyncClient, make_app: Callable[[Database], FastAPI]
) -> None:
    assert (await client.get("/health/ready")).json() == {"status": "ok", "broker": "not used"}
    away = Database(URL)
    transport = httpx.ASGITransport(make_app(away))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as other:
        assert (await other.get("/health/live")).status_code == 200
        assert (await other.get("/health/ready")).status_code == 503
        answer = await other.get("/booking/v1/slots?tier_id=1&from=2026-12-01&to=2026-12-01")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/overloaded")
        assert answer.headers["Retry-After"] == "1"
    await away.close()


async def test_the_broker_away_is_told_and_does_not_decide(app: FastAPI, client: httpx.AsyncClient) -> None:
    class Away:
        connected = False

    app.state.worker = Away()
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded", "broker": "away"})


async def test_stopping_is_not_ready(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.stopping = True
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2_3", True), ("x" * 65, False), ("a b", False), ("", False)])
async def test_a_sane_request_id_is_kept_and_any_other_replaced(
    client: httpx.AsyncClient, given: str, kept: bool
) -> None:
    answer = await client.get("/booking/v1/bookings", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


async def test_a_fault_of_ours_says_nothing_of_itself(app: FastAPI) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text


async def test_metrics_count_by_route_and_not_by_path(client: httpx.AsyncClient) -> None:
    await client.get("/booking/v1/bookings/9007199254740993")
    page = (await client.get("/metrics")).text
    assert 'route="/booking/v1/bookings/{booking_id}"' in page
    assert "9007199254740993" not in page


LOGGING = """
import logging, structlog
from shared import logging as platform
from shared.context import Cause, caused_by
from shared.settings import Settings

platform.configure(Settings(database_url="x", jwks_url="x", role="api"), "booking")
with caused_by(Cause("request-1")):
    structlog.get_logger().info("booking.held", booking_id=7)
    logging.getLogger("some.library").warning("it is %s", "late")
    password = "correct horse"
    try:
        int(password[:0])
    except ValueError as error:
        structlog.get_logger().error("job.failed", exc_info=error)
"""


async def test_every_log_is_one_json_line_with_its_request_and_no_values() -> None:
    """In a process of its own, because logging belongs to the whole process."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", LOGGING, stderr=asyncio.subprocess.PIPE)
    _, written = await process.communicate()
    ours, theirs, failure = (json.loads(line) for line in written.splitlines())
    assert (ours["event"], ours["booking_id"], ours["service"]) == ("booking.held", 7, "booking")
    assert (theirs["event"], theirs["level"]) == ("it is late", "warning")
    assert {line["correlation_id"] for line in (ours, theirs, failure)} == {"request-1"}
    assert "ValueError" in json.dumps(failure)
    assert b"correct horse" not in written


async def test_a_trace_goes_on_from_the_request_over_its_event(fresh_database: Database) -> None:
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("request") as span:
        await tell(fresh_database, expired(1))
        wanted = span.get_span_context().trace_id
    async with fresh_database.read() as session:
        carried = await session.scalar(text("select trace from business_events"))
    context = propagate.extract(carried)
    assert trace.get_current_span(context).get_span_context().trace_id == wanted
