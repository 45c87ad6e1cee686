"""What the documents tell whoever makes a client of them."""

from typing import Any

import pytest

from shared.cli.docs import load_example
from shared.provision import SERVICES
from tests.security.test_matrix import MATRIX

LIMITED = {
    "POST /identity/v1/register", "POST /identity/v1/login", "POST /identity/v1/login/second-factor",
    "POST /identity/v1/second-factor/confirm", "POST /identity/v1/tokens", "POST /identity/v1/password/resets",
    "POST /identity/v1/oidc/{provider}/authorizations", "POST /identity/v1/me/exports",
}  # fmt: skip


@pytest.fixture(scope="module", params=SERVICES)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return load_example(request.param).openapi()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_a_route_names_the_ways_to_carry_a_token_if_it_takes_nobody_without_one(document: dict[str, Any]) -> None:
    """`anonymous` of the matrix is what it really does."""
    rows = {route: cells for of_service in MATRIX.values() for route, cells in of_service.items()}
    found = operations(document)
    said = {route: {name for way in found[route].get("security", []) for name in way} for route in found}
    wanted: dict[str, set[str]] = {
        route: {"bearer", "cookie"} if rows[route]["anonymous"] == "401" else set() for route in found
    }
    assert said == wanted
    schemes = document["components"].get("securitySchemes", {})
    assert {name for names in said.values() for name in names} == set(schemes)


def test_no_two_models_have_one_name(document: dict[str, Any]) -> None:
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_what_spends_an_allowance_says_so() -> None:
    found = operations(load_example("identity").openapi())
    limited = {route for route, operation in found.items() if "429" in operation["responses"]}
    assert limited >= LIMITED
    assert "GET /identity/v1/me" not in limited
    for route in limited:
        assert {"RateLimit-Limit", "Retry-After"} <= set(found[route]["responses"]["429"]["headers"])


def test_an_export_may_be_under_way() -> None:
    found = operations(load_example("identity").openapi())
    for route in ("GET /identity/v1/me/export", "POST /identity/v1/me/exports"):
        assert {"200", "202"} <= set(found[route]["responses"])


def test_no_secret_stands_in_a_path_where_logs_keep_it(document: dict[str, Any]) -> None:
    """Ids are whole numbers, a session's is a UUID, a provider's a name, a month 2026-11; nothing that opens anything.
    But for a feed's: calendar programs take nothing but an address, and the gateway leaves it out of its logs."""
    parameters = {
        parameter["name"]: parameter["schema"]
        for operation in operations(document).values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "path"
    }
    of_booking = "/booking/v1/calendars/{token}.ics" in document["paths"]
    names = {"session_id", "provider", "month"} | ({"token", "on_date"} if of_booking else set())
    assert [name for name, schema in parameters.items() if schema["type"] != "integer" and name not in names] == []
