"""P16, the outer half: whoever has no token gets 401 everywhere but at the doors listed here as open."""

from collections.abc import Iterator

import httpx
import pytest

from shared.cli.docs import load_example
from shared.provision import SERVICES

OPEN = {
    "POST /identity/v1/register",
    "POST /identity/v1/login",
    "POST /identity/v1/refresh",
    "POST /identity/v1/logout",
    "GET /identity/v1/.well-known/jwks.json",
    "GET /catalog/v1/affiliates",
    "GET /catalog/v1/affiliates/{affiliate_id}",
    "GET /catalog/v1/affiliates/{affiliate_id}/services",
    "GET /catalog/v1/services/{service_id}",
    "GET /catalog/v1/categories",
    "GET /catalog/v1/config",
    "GET /booking/v1/slots",
    "GET /booking/v1/affiliates/{affiliate_id}/availability",
    "POST /payments/v1/webhooks/stripe",
    "GET /reviews/v1/reviews",
    "GET /reviews/v1/reviews/{review_id}",
    "GET /reviews/v1/affiliates/{affiliate_id}/rating",
}


def doors() -> Iterator[tuple[str, str, str]]:
    for service in SERVICES:
        for path, methods in load_example(service).openapi()["paths"].items():
            for method in methods:
                yield service, method.upper(), path


DOORS = list(doors())


def test_every_open_door_exists() -> None:
    assert {f"{method} {path}" for _, method, path in DOORS} >= OPEN


@pytest.mark.parametrize(("service", "method", "path"), [d for d in DOORS if f"{d[1]} {d[2]}" not in OPEN])
async def test_without_a_token_the_door_is_shut(service: str, method: str, path: str) -> None:
    app = load_example(service)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp4"}):
            answer = await client.request(method, path.replace("{", "").replace("}", ""), headers=headers)
            assert answer.status_code == 401, f"{method} {path}: {answer.text}"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    await app.state.database.close()
