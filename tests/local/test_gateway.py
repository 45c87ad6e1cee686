"""The gateway's configuration, in a real nginx, in front of a tiny service."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import gateway
from deploy.local.failure import CannotRun
from deploy.local.home import Home
from deploy.local.programs import answers
from deploy.local.state import PORTS, State
from services.identity.pages import Page
from shared.cli.docs import load_example
from shared.provision import SERVICES
from shared.testing.servers import Process, free_ports

from .upstream import Upstream, upstream
from .waiting import until

GENEROUS = {"MDH_GATEWAY_RATE": "10000r/s", "MDH_GATEWAY_AUTH_RATE": "10000r/s"}
Start = Callable[..., State]


@pytest.fixture
async def service() -> AsyncIterator[Upstream]:
    async with upstream() as made:
        yield made


@pytest.fixture
def start(tmp_path: Path, service: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts nginx in front of the service; all prefixes lead to it but those said to be away."""
    started: list[Process] = []

    def start(*, away: tuple[str, ...] = (), limits: dict[str, str] | None = None) -> State:
        for name, value in (GENEROUS if limits is None else limits).items():
            monkeypatch.setenv(name, value)
        home = Home(tmp_path / "a home")
        home.make()
        state = State(ports=dict.fromkeys((port for ports in PORTS.values() for port in ports), service.port))
        state.ports["gateway"], closed = free_ports(2)
        state.ports.update({f"{name}-api": closed for name in away})
        gateway.prepare_gateway(home, state)
        process = Process("gateway", home.log("gateway"))
        process.start(gateway.gateway_command(home), {"PATH": "/usr/bin"}, None)
        started.append(process)
        until(lambda: answers(state.ports["gateway"], "/health"))
        return state

    yield start
    for process in started:
        process.stop(signal.SIGQUIT, timeout=5)


@pytest.fixture
async def client(start: Start) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(start()) as made:
        yield made


def client_of(state: State) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{state.ports['gateway']}", trust_env=False)


def problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert (body["status"], body["type"]) == (status, f"/problems/{code}")
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize("prefix", SERVICES)
async def test_a_prefix_leads_to_its_service_and_the_path_stays(
    client: httpx.AsyncClient, service: Upstream, prefix: str
) -> None:
    response = await client.get(f"/{prefix}/v1/things/a%2Fb?q=1&r=%20")
    assert response.status_code == 200
    assert service.received[0].path == f"/{prefix}/v1/things/a%2Fb?q=1&r=%20"


async def test_each_prefix_has_an_upstream_of_its_own(start: Start) -> None:
    state = start(away=("payments",))
    async with client_of(state) as client:
        found = {prefix: (await client.get(f"/{prefix}/v1/x")).status_code for prefix in SERVICES}
    assert found == dict.fromkeys(SERVICES, 200) | {"payments": 502}


@pytest.mark.parametrize("given", ["abc", "A.b_c-9", "x" * 64])
async def test_a_sane_request_id_is_kept(client: httpx.AsyncClient, service: Upstream, given: str) -> None:
    response = await client.get("/booking/v1/x", headers={"X-Request-ID": given})
    assert response.headers.get_list("x-request-id") == [given]
    assert service.received[0].headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a\\b", "a;b", "é"])
async def test_an_odd_request_id_is_replaced(client: httpx.AsyncClient, service: Upstream, given: str) -> None:
    response = await client.get("/booking/v1/x", headers={b"X-Request-ID": given.encode()})
    (made,) = response.headers.get_list("x-request-id")
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert service.received[0].headers["x-request-id"] == made


async def test_what_a_client_claims_about_itself_does_not_pass(client: httpx.AsyncClient, service: Upstream) -> None:
    claims = {
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "bank.example",
        "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6", "Connection": "x-secret",
    }  # fmt: skip
    await client.get("/booking/v1/x", headers=claims)
    seen = service.received[0]
    assert seen.headers["x-forwarded-for"] == "127.0.0.1"
    assert seen.headers["x-forwarded-proto"] == "http"
    assert seen.headers["x-forwarded-host"] == seen.headers["host"] == client.base_url.netloc.decode()
    assert not {"x-real-ip", "forwarded", "connection"} & set(seen.names)


async def test_who_stands_in_front_says_whose_request_it_is(
    start: Start, service: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MDH_GATEWAY_TRUSTED_PROXY", "127.0.0.1")
    async with client_of(start()) as client:
        await client.get("/booking/v1/x", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    assert service.received[0].headers["x-forwarded-for"] == "203.0.113.9"


@pytest.mark.parametrize("path", ["/", "/nope", "/booking", "/bookings/v1/x", "/_problem", "/metrics", "/health/ready"])
async def test_an_unknown_address_is_a_problem(client: httpx.AsyncClient, service: Upstream, path: str) -> None:
    body = problem(await client.get(path), 404, "not-found")
    assert body["instance"] == path
    assert not service.received


@pytest.mark.parametrize(
    "path",
    [
        "/booking/metrics", "/booking/v1/metrics", "/booking/health/ready", "/booking/internal",
        "/booking/v1/internal/x", "/booking/%6detrics", "/booking//internal/x", "/booking/x/../internal/x",
    ],
)  # fmt: skip
async def test_what_operators_read_is_not_public(client: httpx.AsyncClient, service: Upstream, path: str) -> None:
    problem(await client.get(path), 404, "not-found")
    assert not service.received


async def test_the_numbers_of_analytics_are_public(client: httpx.AsyncClient, service: Upstream) -> None:
    assert (await client.get("/analytics/v1/metrics/revenue")).status_code == 200
    problem(await client.get("/analytics/metrics"), 404, "not-found")
    assert [request.path for request in service.received] == ["/analytics/v1/metrics/revenue"]


async def test_a_service_that_is_away_is_a_problem_with_a_time_to_come_back(start: Start) -> None:
    async with client_of(start(away=("booking",))) as client:
        response = await client.post("/booking/v1/bookings", json={})
    problem(response, 502, "service-away")
    assert response.headers["retry-after"]


async def test_a_services_own_answers_pass_as_they_are(client: httpx.AsyncClient, service: Upstream) -> None:
    service.answer = (
        b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/problem+json\r\nretry-after: 77\r\n"
        b'etag: "5"\r\ncontent-length: 2\r\n\r\n{}'
    )
    response = await client.get("/booking/v1/x", headers={"accept-encoding": "gzip"})
    assert (response.status_code, response.text) == (429, "{}")
    assert response.headers.get_list("retry-after") == ["77"]
    assert response.headers["etag"] == '"5"'


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1), ("PATCH", 1)])
async def test_what_may_have_happened_is_not_sent_to_another_replica(
    start: Start, service: Upstream, monkeypatch: pytest.MonkeyPatch, method: str, times: int
) -> None:
    replica = f"127.0.0.1:{service.port}"
    filled_in = gateway.variables_of
    two = {"PAYMENTS_UPSTREAM": f"{replica} max_fails=0; server {replica} max_fails=0"}
    monkeypatch.setattr(gateway, "variables_of", lambda state: filled_in(state) | two)
    service.hang_up = True
    async with client_of(start()) as client:
        problem(await client.request(method, "/payments/v1/refunds"), 502, "service-away")
    assert [request.method for request in service.received] == [method] * times


async def test_a_body_over_the_limit_is_refused_before_it_reaches_a_service(
    client: httpx.AsyncClient, service: Upstream
) -> None:
    problem(await client.post("/booking/v1/x", content=b"x" * (1024 * 1024 + 1)), 413, "body-too-large")
    assert not service.received
    assert (await client.post("/booking/v1/x", content=b"x" * 1024 * 1024)).status_code == 200


async def test_a_body_without_a_length_is_measured_too(client: httpx.AsyncClient, service: Upstream) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    problem(await client.post("/booking/v1/x", content=chunks()), 413, "body-too-large")
    assert not service.received


async def test_long_addresses_and_headers_are_problems(client: httpx.AsyncClient) -> None:
    problem(await client.get("/booking/" + "a" * 9000), 414, "address-too-long")
    problem(await client.get("/booking/x", headers={"x": "a" * 9000}), 431, "headers-too-large")


@pytest.mark.parametrize(
    "request_line", [b"GET /booking/\x00 HTTP/1.1", b"GET  HTTP/1.1", b"GET /x HTTP/1.1\r\nHost: a b"]
)
async def test_what_is_no_http_is_a_problem_too(client: httpx.AsyncClient, request_line: bytes) -> None:
    port = client.base_url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_line + b"\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["type"] == "/problems/bad-request"


async def test_an_address_cannot_break_out_of_the_problem(client: httpx.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(b'GET /nope","title":"x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    assert json.loads(body)["instance"] == "/"


async def test_too_many_requests_are_refused_and_told_when_to_come_back(start: Start, service: Upstream) -> None:
    state = start(limits={"MDH_GATEWAY_RATE": "1r/m", "MDH_GATEWAY_BURST": "3"})
    async with client_of(state) as client:
        found = [await client.get("/booking/v1/x") for _ in range(6)]
    assert [response.status_code for response in found] == [200] * 4 + [429] * 2
    problem(found[-1], 429, "too-many-requests")
    assert found[-1].headers["retry-after"] == "1"
    assert len(service.received) == 4


@pytest.mark.parametrize("path", ["/identity/v1/login", "/identity/v1/register", "/identity/v1/refresh"])
async def test_credentials_have_a_stricter_limit(start: Start, path: str) -> None:
    limits = GENEROUS | {"MDH_GATEWAY_AUTH_RATE": "1r/m", "MDH_GATEWAY_AUTH_BURST": "1"}
    async with client_of(start(limits=limits)) as client:
        guarded = [(await client.post(path)).status_code for _ in range(4)]
        others = [(await client.get("/identity/v1/me")).status_code for _ in range(4)]
    assert guarded == [200, 200, 429, 429]
    assert others == [200] * 4


def public_posts() -> list[str]:
    """Of identity's document and its pages: what anybody may send without a token."""
    paths: dict[str, Any] = load_example("identity").openapi()["paths"]
    found = [path for path, methods in paths.items() if "post" in methods and "security" not in methods["post"]]
    return [*found, *(f"/identity/v1/pages/{page}" for page in (*Page, "fetch-export"))]


async def test_whatever_is_public_and_does_something_has_the_stricter_limit(start: Start) -> None:
    limits = GENEROUS | {"MDH_GATEWAY_AUTH_RATE": "1r/m", "MDH_GATEWAY_AUTH_BURST": "1"}
    asked = [path.replace("{provider}", "acme") for path in public_posts()]
    assert len(asked) > 15
    async with client_of(start(limits=limits)) as client:
        for _ in range(2):
            assert (await client.post("/identity/v1/login")).status_code == 200
        found = {path: (await client.post(path)).status_code for path in asked}
    assert found == dict.fromkeys(asked, 429)


async def test_every_answer_has_the_security_headers_and_no_version(client: httpx.AsyncClient) -> None:
    for path in ("/booking/v1/x", "/nope", "/health"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["server"] == "nginx"


async def test_no_log_has_the_address_of_a_calendar(client: httpx.AsyncClient, tmp_path: Path) -> None:
    secret = "s3cr-t_" * 6 + "x"
    for path in (
        f"booking/v1/calendars/{secret}.ics",
        f"booking//v1/calendars/{secret}.ics",
        f"{secret}",
        f"b/{secret}/x",
    ):
        await client.get(f"/{path}?x={secret}")
    log = tmp_path / "a home" / "logs" / "gateway.log"
    until(lambda: log.read_text().count("\n") >= 4)
    paths = [json.loads(line)["path"] for line in log.read_text().splitlines()[-4:]]
    assert paths == ["/booking/v1/calendars/-", "/booking//v1/calendars/-", "/-", "/b/-"]
    assert secret not in log.read_text()


async def test_the_access_log_is_json_without_the_query(client: httpx.AsyncClient, tmp_path: Path) -> None:
    await client.post("/booking/v1/x?email=ada@example.com", headers={"X-Request-ID": "find-me"})
    await client.get("/nope?email=ada@example.com")
    log = tmp_path / "a home" / "logs" / "gateway.log"
    until(lambda: log.read_text().count("\n") >= 2)
    first, second = (json.loads(line) for line in log.read_text().splitlines()[-2:])
    assert "ada" not in log.read_text()
    assert (first["request_id"], first["method"], first["path"]) == ("find-me", "POST", "/booking/v1/x")
    assert (first["status"], second["status"], second["path"]) == (200, 404, "/nope")
    assert float(first["upstream_s"]) >= 0


KEPT = b"HTTP/1.1 200 OK\r\ncache-control: public, max-age=60\r\nvary: Authorization, Cookie\r\n"


async def test_what_is_public_is_kept_for_those_who_show_nothing(client: httpx.AsyncClient, service: Upstream) -> None:
    service.answer = KEPT + b'etag: "a"\r\ncontent-length: 2\r\n\r\nok'
    path = "/catalog/v1/affiliates?zip=11201"
    first, second = [await client.get(path) for _ in range(2)]
    assert [first.headers["x-cache"], second.headers["x-cache"]] == ["MISS", "HIT"]
    assert (second.text, second.headers["etag"], second.headers["x-frame-options"]) == ("ok", '"a"', "DENY")
    assert (await client.get(path, headers={"If-None-Match": '"a"'})).status_code == 304
    assert len(service.received) == 1
    await client.get("/catalog/v1/affiliates?zip=10001")
    for shown in ({"Authorization": "Bearer x"}, {"Cookie": "a=b"}):
        assert (await client.get(path, headers=shown)).headers["x-cache"] == "BYPASS"
    assert len(service.received) == 4
    assert (await client.get(path)).headers["x-cache"] == "HIT"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ("GET", b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno"),
        ("GET", KEPT + b"set-cookie: a=b\r\ncontent-length: 2\r\n\r\nok"),
        ("PATCH", KEPT + b"content-length: 2\r\n\r\nok"),
    ],
)
async def test_nothing_else_is_kept(client: httpx.AsyncClient, service: Upstream, method: str, answer: bytes) -> None:
    service.answer = answer
    for _ in range(2):
        response = await client.request(method, "/catalog/v1/things")
        assert response.headers.get("x-cache") != "HIT"
    assert len(service.received) == 2


@pytest.mark.parametrize("condition", [("If-Match", '"5"'), ("If-Unmodified-Since", "Wed, 01 Jan 2025 00:00:00 GMT")])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_condition_is_judged_by_the_service(
    client: httpx.AsyncClient, service: Upstream, method: str, condition: tuple[str, str]
) -> None:
    service.answer = KEPT + b"last-modified: Thu, 02 Jan 2025 00:00:00 GMT\r\ncontent-length: 2\r\n\r\nok"
    for path in ("/catalog/v1/things/a%2Fb?q=1", "/catalog/v1/things/a%2Fb?q=2"):
        response = await client.request(method, path, headers=[condition])
        assert (response.status_code, response.text) == (200, "ok")
        assert service.received[-1].path == path
        assert service.received[-1].headers[condition[0].lower()] == condition[1]


async def test_what_is_said_to_somebody_is_kept_for_nobody(client: httpx.AsyncClient, service: Upstream) -> None:
    service.answer = KEPT + b"content-length: 2\r\n\r\nok"
    for _ in range(2):
        await client.get("/catalog/v1/things", headers={"Authorization": "Bearer x"})
    assert (await client.get("/catalog/v1/things")).headers["x-cache"] == "MISS"


def test_only_the_known_names_are_filled_in() -> None:
    assert gateway.render("${A} ${B} $A $uri ${uri}", {"A": "$B"}) == "$B ${B} $A $uri ${uri}"


def test_the_template_knows_every_service() -> None:
    names = set(re.findall(r"\$\{([A-Z_]+)\}", gateway.TEMPLATE.read_text()))
    state = State(ports=dict.fromkeys((port for ports in PORTS.values() for port in ports), 1))
    assert names == set(gateway.variables_of(state))


def test_nginx_finds_a_mistake_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MDH_GATEWAY_RATE", "fast")
    home = Home(tmp_path)
    home.make()
    state = State(ports=dict.fromkeys((port for ports in PORTS.values() for port in ports), free_ports(1)[0]))
    with pytest.raises(CannotRun, match="rate"):
        gateway.prepare_gateway(home, state)
