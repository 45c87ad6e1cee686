"""P18: whatever is sent, the answer is a problem that says what is wrong with it, never a fault of ours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from sqlalchemy import event, text

from shared import db
from shared.auth import Actor
from shared.db import Database
from shared.testing.plugin import AsOwner, Headers, until
from shared.testing.tokens import Signer, customer

from .conftest import count
from .probe import AT, probe

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def app(fresh_database: Database, signer: Signer, run_directory: Path) -> FastAPI:
    return probe(fresh_database, signer.write_public_keys(run_directory))


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


MALFORMED = {
    "a number beyond all numbers": b'{"free": {"a": 1e400}}',
    "five thousand digits": b'{"free": {"a": ' + b"9" * 5000 + b"}}",
    "nested forty deep": b'{"free": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}",
    "nested nine hundred deep": b'{"free": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
    "nested without end": b"[" * 100_000,
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "a name twice, deep inside": b'{"free": {"a": {"b": 1, "b": 2}}}',
    "NaN, deep inside": b'{"free": {"a": [NaN]}}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_no_sane_json_is_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(f"{AT}/anything", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-body")


UNSTORABLE = {
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a NUL": b'{"name": "\\u0000"}',
    "a number beyond the column": b'{"number": 99999999999999999999999}',
    "more text than the column takes": b'{"name": "' + b"x" * 5000 + b'"}',
}


@pytest.mark.parametrize("body", UNSTORABLE.values(), ids=UNSTORABLE.keys())
async def test_what_no_check_caught_and_the_database_cannot_store_is_invalid(
    client: httpx.AsyncClient, fresh_database: Database, body: bytes
) -> None:
    answer = await client.post(f"{AT}/anything", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
    assert await count(fresh_database, "crews") == 0


async def test_sane_json_of_any_form_comes_through(client: httpx.AsyncClient) -> None:
    body = b'{"free": {"a": [-0.0, 1e308, 1e-400, 99999999999999999999, {"b": [[[null]]]}]}, "number": -0}'
    answer = await client.post(f"{AT}/anything", content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    assert answer.json()["free"]["a"][3:] == [99999999999999999999, {"b": [[[None]]]}]


async def test_a_name_that_the_client_invented_is_not_sent_back_by_the_megabyte(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{AT}/anything", content=b'{"' + b"k" * 100_000 + b'": 1}', headers=JSON)
    assert answer.status_code == 422
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("length", [b"9" * 5000, "²".encode("latin-1"), b"-1", b"1e9"])
async def test_a_length_that_is_none_is_no_fault(client: httpx.AsyncClient, length: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    answer = await client.post(f"{AT}/anything", content=b"{}", headers=headers)
    assert answer.status_code in (200, 400, 413)


async def test_a_refusal_may_state_facts_of_any_kind(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{AT}/outweighed")
    assert (answer.status_code, answer.json()["by"]) == (409, 1.5)


async def test_a_fault_of_ours_has_the_request_id_that_the_logs_have(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{AT}/broken", headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.headers["X-Request-ID"], answer.json()["request_id"]) == (500, "mine", "mine")
    assert "secret" not in answer.text


PATHS = (f"{AT}/read", f"{AT}/anything", "/nowhere", "//", f"{AT}//read", f"{AT}/%00", f"{AT}/%ff%fe", "/metrics")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "DELETE", "BREW", "get"])
async def test_any_method_on_any_path_is_answered(client: httpx.AsyncClient, method: str) -> None:
    for path in PATHS:
        answer = await client.request(method, f"http://test{path}")
        assert answer.status_code in (200, 404, 405), f"{method} {path}"


async def test_what_clients_invent_makes_no_new_metric(client: httpx.AsyncClient) -> None:
    for method in ("BREW", "WHEN"):
        await client.request(method, f"http://test{AT}/read")
    page = (await client.get("/metrics")).text
    assert 'method="other"' in page
    assert "BREW" not in page


async def test_a_queue_for_connections_has_an_end(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The 100th request at once is told to come back, at once, instead of waiting for nothing."""
    monkeypatch.setattr(db, "MOST_WAITING", 1)
    answers = await asyncio.gather(*(client.get(f"{AT}/read") for _ in range(100)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(503)) == (40, 60)
    assert {a.headers["Retry-After"] for a in answers if a.status_code == 503} == {"1"}
    assert (await client.get(f"{AT}/read")).status_code == 200


async def killed(database: Database) -> None:
    """Every connection to it but this one, as a restart of the server would."""
    connection = await asyncpg.connect(db.dsn(database.url))
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_connections_that_the_server_closed_are_replaced_before_anybody_notices(
    client: httpx.AsyncClient, fresh_database: Database
) -> None:
    used: list[Any] = []
    event.listen(fresh_database.engine.sync_engine, "checkin", lambda connection, _: used.append(connection))
    await asyncio.gather(*(client.get(f"{AT}/read") for _ in range(10)))
    await killed(fresh_database)

    async def noticed() -> bool:
        return all(connection.driver_connection.is_closed() for connection in used)

    await until(noticed)
    pool = fresh_database.engine.pool
    answers = await asyncio.gather(*(client.get(f"{AT}/read") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_connection_that_is_closed_in_the_middle_is_an_unavailable_service(
    client: httpx.AsyncClient, fresh_database: Database
) -> None:
    asked = asyncio.create_task(client.get(f"{AT}/sleep", params={"seconds": 5}))
    await until(lambda: _sleeping(fresh_database))
    await killed(fresh_database)
    answer = await asked
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert await count(fresh_database, "crews") == 0


async def _sleeping(database: Database) -> bool:
    async with database.read() as session:
        return bool(
            await session.scalar(
                text(
                    "select count(*) from pg_stat_activity"
                    " where wait_event = 'PgSleep' and datname = current_database()"
                )
            )
        )


async def test_a_type_changed_under_a_prepared_statement_is_an_unavailable_service_once(
    client: httpx.AsyncClient, fresh_database: Database, as_owner: AsOwner
) -> None:
    await asyncio.gather(*(client.get(f"{AT}/crews") for _ in range(5)))
    await as_owner("alter table crews alter column name type text")
    statuses = [(await client.get(f"{AT}/crews")).status_code for _ in range(10)]
    assert statuses == [503] + [200] * 9


async def test_an_empty_answer_is_replayed_as_it_was_even_beside_a_reading_session(
    client: httpx.AsyncClient, fresh_database: Database, as_: Callable[[Actor], Headers]
) -> None:
    headers = as_(customer(7)) | {"Idempotency-Key": "k"}
    first, again = [await client.post(f"{AT}/nothing", headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
    assert (again.headers["ETag"], again.headers["Idempotent-Replayed"]) == ('"7"', "true")
    assert await count(fresh_database, "crews") == 1


@pytest_asyncio.fixture
async def served(app: FastAPI) -> AsyncIterator[int]:
    """The app behind a real server; its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


RAW = {
    "a method that there is not": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path of 60 kB": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a query of 60 kB": b"GET " + AT.encode() + b"/read?a=" + b"%00" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header of 60 kB": b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: " + b"a" * 60_000 + b"\r\n\r\n",
    "bytes beyond ASCII": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nX-Request-ID: \xff\xfe\r\nTraceparent: \xff\r\n\r\n",
    "an absolute target": b"GET http://other/booking/v1/probe/read HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": b"POST "
    + AT.encode()
    + b"/anything HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length with digits without end": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 500 + b"\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("sent", RAW.values(), ids=RAW.keys())
async def test_raw_bytes_are_no_fault(served: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served)
    writer.write(sent)
    writer.write_eof()
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    assert line == b"" or 200 <= int(line.split()[1]) < 500, line


async def test_a_client_that_goes_away_leaves_no_transaction_behind(served: int, fresh_database: Database) -> None:
    writers = []
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", served)
        writer.write(f"GET {AT}/sleep?seconds=0.5 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await writer.drain()
        writers.append(writer)
    await until(lambda: _sleeping(fresh_database))
    for writer in writers:
        writer.transport.abort()
    await until(lambda: _is_idle(fresh_database))
    assert fresh_database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert fresh_database._requests == 0


async def _is_idle(database: Database) -> bool:
    """Nothing is sleeping, and no connection is inside a transaction."""
    busy = text(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()"
    )
    async with database.read() as session:
        return not await session.scalar(busy)


async def test_a_request_that_is_cancelled_stops_its_query_and_takes_its_effect_back(
    client: httpx.AsyncClient, fresh_database: Database
) -> None:
    """As uvicorn does with what is still in work when the time to stop is over."""
    asked = asyncio.create_task(client.get(f"{AT}/sleep", params={"seconds": 30}))
    await until(lambda: _sleeping(fresh_database))
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await until(lambda: _is_idle(fresh_database))
    assert await count(fresh_database, "crews") == 0
    assert fresh_database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_server_that_hangs_is_an_unavailable_service(
    client: httpx.AsyncClient, app: FastAPI, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-open connection never says that its time is over: asyncpg's own clock does."""
    monkeypatch.setattr(db, "COMMAND_TIMEOUT", 0.5)
    hanging = Database(fresh_database.url, pool_size=1)
    app.state.database = hanging
    answer = await client.get(f"{AT}/sleep", params={"seconds": 5})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/overloaded")
    await hanging.close()
