"""P18: bad input gets a 4xx problem, writes nothing, echoes nothing. One corpus against every route of every service.

Each route's good request, sent by somebody who may, with one thing in it turned bad at a time.
"""

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from shared.provision import SERVICES

from .stages import Ask, Stage
from .test_matrix import MATRIX

MARK = "zqx"
HERE = "@here@"
JSON_TYPE = {"Content-Type": "application/json"}

# As they stand in JSON. No field of any request may be one of these.
WRONG = [
    f'"{MARK}\\u0000"', f'"{MARK}\\ud800"', f'"{MARK * 2000}"', "9" * 5000, str(2**63), str(-(2**63) - 1), "1.5",
    '{"a": 1}',
]  # fmt: skip
# Neither may they, but what refuses them is the same for all fields.
MISSHAPEN = ["1e400", "NaN", "-Infinity", "[[[]]]", "[" * 3000 + "]" * 3000]
# These may be right for some field; they must not be too much for any.
ODD = [
    "null", '""', '" "', "true", "0", "-1", '"1"', "1.0", "[]", '"{{7*7}}"', '"=cmd|1!A0"', '"a\\r\\nBcc: x"',
    f'"{MARK}@-{MARK}..x"', '"2026-02-30"', '"9999-12-31T23:59:59Z"', '"2026-05-04T10:00:00"', "1699920000",
    '"\\u0661\\u0662\\u0663\\u0664\\u0665"', '"\\u202eabc"', str(2**63 - 1),
]  # fmt: skip
TURNS = 3
BODIES = [
    b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", b"{}{}", b'{"a": 1, "a": 2}', b"{'a': 1}", b"[" * 100_000,
    b" " * 1_000_001,
]  # fmt: skip
UNKNOWN = ["status", "price", "is_admin", "id", "version", "created_at", "customer_id", "__proto__", ""]
IDS = ["0", "-1", str(2**63), "9" * 5000, "1e3", "1.0", "abc", "%00", "%20", "1;drop", "+1", "1_0", "%D9%A1", "null"]
QUERIES = ["\x00", "-1", "1e3", "9" * 20, "9" * 5000, MARK, "null", "\u0661", "2026-13-01", "[]"]
NEVER = {"limit": {"1"}, "from": set(), "to": set()}  # parameters that are never odd, but for these values
KEYS = ["", " ", "a b", "x" * 256]
TAGS = ["x", '""', '"x"', "1", '"1', "W/x", '"-1"', '"1.0"', "x" * 101, '"1", "2"']


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def written(stage: Stage) -> AsyncIterator[None]:
    """What was refused is not to be found afterwards; what was accepted is undone at once (`sent`)."""
    before = await stage.sql("select count(*) from business_events")
    stage.point = await stage.connection.begin_nested()
    yield
    assert await stage.sql("select count(*) from business_events") == before


def headers_for(stage: Stage, route: str) -> dict[str, str]:
    """Of somebody who may do this."""
    may = [role for role, cell in MATRIX[stage.service][route].items() if cell.startswith("2")]
    role = next((role for role in may if role != "anonymous"), "anonymous")
    return {} if role == "anonymous" else stage.as_(stage.cast[role])


async def sent(stage: Stage, route: str, headers: dict[str, str], **changed: Any) -> httpx.Response:
    answer = await stage.send(route, headers, **changed)
    if answer.status_code < 400 and stage.point:
        await stage.point.rollback()
        stage.point = await stage.connection.begin_nested()
    return answer


def judged(answer: httpx.Response, told: str, *, refused: bool = True) -> Iterator[str]:
    """What is wrong with an answer to bad input."""
    status = answer.status_code
    if status >= 500 or (refused and status < 400):
        yield f"{told}: {status}"
    elif status >= 400 and answer.headers["content-type"] != "application/problem+json":
        yield f"{told}: {status} as {answer.headers['content-type']}"
    elif status >= 400 and (answer.json()["status"] != status or MARK in answer.text.replace(str(answer.url.path), "")):
        yield f"{told}: {answer.text[:200]}"


def operation(document: dict[str, Any], route: str) -> dict[str, Any]:
    method, path = route.split()
    found: dict[str, Any] = document["paths"][path][method.lower()]
    return found


def parameters(document: dict[str, Any], route: str, where: str) -> list[str]:
    return [p["name"] for p in operation(document, route).get("parameters", ()) if p["in"] == where]


@pytest.fixture(scope="session")
def documents() -> dict[str, dict[str, Any]]:
    return {}


@pytest.fixture
async def document(stage: Stage, documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the service says of itself; worked out once."""
    if stage.service not in documents:
        documents[stage.service] = (await stage.client.get(f"/{stage.service}/openapi.json")).json()
    return documents[stage.service]


def bodies(stage: Stage) -> Iterator[tuple[str, Ask]]:
    return ((route, ask) for route, ask in stage.asks.items() if ask.body is not None)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field of a body, those of its parts included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*at, key)
        yield from places(part, (*at, key))


def with_this(body: Any, place: tuple[Any, ...], raw: str) -> bytes:
    changed = json.loads(json.dumps(body))
    target = changed
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = HERE
    return json.dumps(changed).replace(f'"{HERE}"', raw).encode()


def test_every_field_of_every_request_is_turned_bad(stage: Stage, document: dict[str, Any]) -> None:
    for route, ask in bodies(stage):
        if "requestBody" in (told := operation(document, route)):
            [schema] = [content["schema"] for content in told["requestBody"]["content"].values()]
            fields = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]["properties"]
            assert set(fields) - {"phone"} <= set(ask.body), route


async def test_bad_fields(stage: Stage, written: None) -> None:
    wrong: list[str] = []
    numbers = itertools.count()
    for route, ask in bodies(stage):
        headers = headers_for(stage, route) | JSON_TYPE
        for place, number in zip(places(ask.body), numbers, strict=False):
            # What is odd takes turns: each meets every kind of field, none meets all fields.
            bad = WRONG + MISSHAPEN[number % TURNS :: TURNS]
            for raw in bad + ODD[number % TURNS :: TURNS]:
                answer = await sent(stage, route, headers, content=with_this(ask.body, place, raw))
                wrong += judged(answer, f"{route} {place} {raw[:20]}", refused=raw in bad)
    assert not wrong, "\n".join(["", *wrong])


async def test_bad_bodies(stage: Stage, written: None) -> None:
    wrong: list[str] = []
    for route, ask in bodies(stage):
        headers, good = headers_for(stage, route), json.dumps(ask.body).encode()
        for content in BODIES:
            wrong += judged(await sent(stage, route, headers | JSON_TYPE, content=content), f"{route} {content[:20]!r}")
        for name in UNKNOWN:
            answer = await sent(stage, route, headers, body={**ask.body, name: 1})
            wrong += judged(answer, f"{route} {name}")
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", ""):
            answer = await sent(stage, route, headers | {"Content-Type": kind}, content=good)
            wrong += judged(answer, f"{route} as {kind}")
    assert not wrong, "\n".join(["", *wrong])


async def test_bad_ids_and_queries(stage: Stage, document: dict[str, Any], written: None) -> None:
    wrong: list[str] = []
    for route in stage.asks:
        headers = headers_for(stage, route)
        for name in parameters(document, route, "path"):
            for value in IDS:
                wrong += judged(await sent(stage, route, headers, ids={name: value}), f"{route} {name}={value[:20]}")
            answer = await sent(stage, route, headers, ids={name: 2**63 - 1})
            wrong += judged(answer, f"{route} {name}=largest", refused=False)
        for name in parameters(document, route, "query"):
            for value in QUERIES:
                answer = await sent(stage, route, headers, query={name: value})
                free = name in ("email", "q", "owner")  # words: almost anything may be one
                may_be = free or (name == "category" and value in (MARK, "null"))
                wrong += judged(answer, f"{route} {name}={value[:20]}", refused=not may_be)
            for odd in ("", "0", "1", "1699920000", str(10**9), "%ff"):
                answer = await sent(stage, route, headers, query={name: odd})
                wrong += judged(answer, f"{route} {name}={odd}", refused=name in NEVER and odd not in NEVER[name])
    assert not wrong, "\n".join(["", *wrong])


async def test_bad_headers(stage: Stage, document: dict[str, Any], written: None) -> None:
    wrong: list[str] = []
    for route in stage.asks:
        names = [name.lower() for name in parameters(document, route, "header")]
        for name, values in (("idempotency-key", KEYS), ("if-match", TAGS)):
            for value in values if name in names else ():
                answer = await sent(stage, route, headers_for(stage, route) | {name: value})
                wrong += judged(answer, f"{route} {name}: {value[:20]}")
    assert not wrong, "\n".join(["", *wrong])
