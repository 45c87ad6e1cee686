"""`mdh config`: an operator reads and changes the configuration of the running system, by the API's own rules."""

from collections.abc import Awaitable, Callable

from sqlalchemy import select

from services.catalog.domain.config import ConfigChange
from shared.contracts.catalog import ConfigChanged
from shared.db import Database
from shared.outbox import BusinessEvent
from shared.testing.plugin import recorded_in

Mdh = Callable[..., Awaitable[tuple[int, str]]]


async def test_what_is_set_is_told_and_kept_with_who_it_was(mdh: Mdh, fresh_database: Database) -> None:
    assert await mdh("config", "set", "hold_minutes=15", "currency=CAD", "--as", "Ada") == (0, "version 2\n")
    assert await mdh("config", "get", "hold_minutes") == (0, "15\n")
    assert 'currency="CAD"\n' in (await mdh("config", "get"))[1]
    [event] = await recorded_in(fresh_database, ConfigChanged)
    assert (event.version, event.hold_minutes, event.currency, event.lead_minutes) == (2, 15, "CAD", 120)
    async with fresh_database.read() as session:
        assert await session.scalar(select(BusinessEvent.actor)) == "operator:Ada"
        changes = (await session.scalars(select(ConfigChange).order_by(ConfigChange.id))).all()
    assert [(c.version, c.changed_by, c.operator) for c in changes] == [(1, None, None), (2, None, "Ada")]
    assert await mdh("config", "set", "features.reviews=false", "tips_allowed=false", "--version", "2") == (
        0,
        "version 3\n",
    )
    assert '"reviews": false' in (await mdh("config", "get", "features"))[1]
    _, latest, installed = (await mdh("config", "history"))[1].splitlines()
    assert latest.endswith('Ada  currency: "USD" -> "CAD"  hold_minutes: 10 -> 15')
    assert installed.endswith("installation")


async def test_what_the_api_would_refuse_is_refused_with_its_reason(mdh: Mdh, fresh_database: Database) -> None:
    for arguments, code, why in [
        (["features.revues=false"], 2, "features.revues"),
        (["hold_minutes=0"], 2, "greater than or equal to 1"),
        (["hold_minutes=soon"], 2, "valid integer"),
        (["hold_minuets=5"], 2, "Extra inputs are not permitted"),
        (["hold_minutes"], 2, "is not name=value"),
        (["horizon_days=1", "lead_minutes=1440"], 1, "nothing could be booked"),
        (["hold_minutes=5", "--version", "7"], 1, "changed meanwhile"),
        (["hold_minutes=5", "--as", "x" * 81], 2, "80 printable"),
    ]:
        exit_code, said = await mdh("config", "set", *arguments)
        assert exit_code == code, said
        assert why in " ".join(said.replace("│", " ").split()), arguments
    assert (await mdh("config", "get", "nothing"))[0] == 2
    assert await recorded_in(fresh_database) == []
