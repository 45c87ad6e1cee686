"""P20: what is about people goes to them, and nowhere else: not into caches, not into logs, not into errors."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.provision import SERVICES

from .stages import Stage

KEPT_BY_CACHES = {
    "GET /identity/v1/.well-known/jwks.json",
    "GET /catalog/v1/affiliates",
    "GET /catalog/v1/affiliates/{affiliate_id}/services",
    "GET /catalog/v1/categories",
    "GET /catalog/v1/service-area",
}
KEPT_BY_WHO_ASKED = {"GET /booking/v1/calendars/{token}.ics"}  # at an address that only they know
PERSONAL = (
    "ada@example.com", "grace@example.com", "olive-Gantry", "Ada Marsh", "+1512555", "hello@shine.example",
    "1 Court St", "718 555", "1 Main St", "pi_1_secret", "ada@example.org", "Ada Moreno", "Bearer ey",
)  # fmt: skip
MARK = "her-name-and-address"


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_no_cache_keeps_an_answer_unless_it_is_for_everybody(stage: Stage) -> None:
    for route in stage.asks:
        for headers in (stage.as_(stage.cast["customer"]), {}):
            answer = await stage.send(route, headers)
            kept = answer.headers["Cache-Control"]
            assert (
                kept == "no-store"
                or (route in KEPT_BY_CACHES and kept.startswith("public"))
                or (route in KEPT_BY_WHO_ASKED and kept.startswith("private"))
            ), route


async def test_logs_name_nobody(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    for route in stage.asks:
        for role in ("customer", "owner", "admin"):
            await stage.send(route, stage.as_(stage.cast[role]))
    out, err = capfd.readouterr()
    assert "request" in out + err
    assert [word for word in PERSONAL if word in out + err] == []


async def test_an_error_of_the_database_does_not_repeat_what_was_to_be_stored(stage: Stage) -> None:
    point = await stage.connection.begin_nested()
    with pytest.raises(DBAPIError) as raised:
        await stage.connection.execute(text("select cast(:given as text) = any(1)"), {"given": MARK})
    await point.rollback()
    assert MARK not in str(raised.value)
