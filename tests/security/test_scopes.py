"""What a token that came of an API key may do: what its scopes name, at every route of every service."""

from dataclasses import replace

import pytest

from shared.auth import SAFE
from shared.provision import SERVICES

from .stages import Stage
from .test_impersonation import MAY, asked, some_of
from .test_matrix import MATRIX

# What reaches beyond every scope: no key may.
ONESELF = {
    "GET /identity/v1/me/export",
    "POST /identity/v1/me/exports",
    "GET /identity/v1/me/export/archive",
    "POST /identity/v1/me/erasure",
}


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_scope_opens_its_half_of_its_service_and_nothing_else(stage: Stage) -> None:
    wrong = []
    for number, (route, cells) in enumerate(MATRIX[stage.service].items()):
        if MAY[route] == "public":
            continue  # no token is read
        needed = f"{stage.service}:{'read' if route.split()[0] in SAFE else 'write'}"
        everything_else = {f"{name}:{half}" for name in MATRIX for half in ("read", "write")} - {needed}
        roles = some_of(list(stage.cast), cells, number)
        for role in roles:
            keyed = replace(stage.cast[role], api_key=1, scopes=frozenset({needed}))
            expected = "403" if route in ONESELF else cells[role]
            if (seen := await asked(stage, route, stage.as_(keyed)))[0] != expected:
                wrong.append(f"{route} by {role} with {needed}: {seen} instead of {expected}")
        for scopes in (everything_else, set()):  # one who may otherwise
            keyed = replace(stage.cast[roles[0]], api_key=1, scopes=frozenset(scopes))
            if (seen := await asked(stage, route, stage.as_(keyed))) != ("403", "scope-missing"):
                wrong.append(f"{route} by {roles[0]} without {needed}: {seen}")
    assert not wrong, "\n".join(["", *wrong])


async def test_the_scope_that_is_missing_is_named(stage: Stage) -> None:
    route = next(route for route, word in MAY.items() if word != "public" and f"/{stage.service}/" in route)
    actor = replace(stage.cast["owner"], api_key=1, scopes=frozenset())
    answer = await stage.send(route, stage.as_(actor))
    half = "read" if route.split()[0] in SAFE else "write"
    assert (answer.status_code, answer.json()["scope"]) == (403, f"{stage.service}:{half}")
