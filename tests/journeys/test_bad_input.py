"""What should not get through gets a problem document, whoever refuses it: the gateway or a service behind it."""

from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.testing.tokens import Signer, customer

from ..running import RunningSystem

JSON = {"Content-Type": "application/json"}
BOOKINGS = "/booking/v1/bookings"


@pytest.mark.parametrize(
    ("method", "path", "request_", "status"),
    [
        pytest.param("GET", "/nothing/v1/here", {}, 404, id="unknown prefix"),
        pytest.param("GET", "/booking/v1/nothing", {}, 404, id="unknown address"),
        pytest.param("GET", "/booking/metrics", {}, 404, id="operators' pages"),
        pytest.param(
            "POST", BOOKINGS, {"content": b"[" + b" " * 2_000_000 + b"]", "headers": JSON}, 413, id="too large"
        ),
        pytest.param("POST", BOOKINGS, {"content": b'{"tier_id": 1', "headers": JSON}, 400, id="malformed JSON"),
        pytest.param("POST", BOOKINGS, {"content": b'{"a": 1, "a": 2}', "headers": JSON}, 400, id="duplicate names"),
        pytest.param("POST", BOOKINGS, {"json": {"status": "confirmed"}}, 422, id="unknown field"),
        pytest.param("DELETE", BOOKINGS, {}, 405, id="unknown method"),
    ],
)
async def test_is_refused(
    system: RunningSystem, http: httpx.AsyncClient, method: str, path: str, request_: dict[str, Any], status: int
) -> None:
    headers = system.headers(customer(3_000_000)) | request_.pop("headers", {})
    must_be_problem(await http.request(method, path, headers=headers, **request_), status)


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "Bearer", "ey" * 5000])
@pytest.mark.parametrize(
    "path", [BOOKINGS, "/identity/v1/me", "/notifications/v1/notifications", "/payments/v1/payments/1"]
)
async def test_a_wrong_token_is_refused_everywhere(http: httpx.AsyncClient, path: str, token: str) -> None:
    answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
    must_be_problem(answer, 431 if len(token) > 8_000 else 401)


async def test_a_token_of_another_key_is_refused(system: RunningSystem, http: httpx.AsyncClient) -> None:
    forged = Signer(Ed25519PrivateKey.generate(), kid=system.signer.kid).token(customer(1))
    must_be_problem(await http.get(BOOKINGS, headers={"Authorization": f"Bearer {forged}"}), 401)


def must_be_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert answer.headers["X-Request-ID"]
