"""Every column of every table of every service was decided about: shown in an export, hidden, erased, nobody's."""

import importlib
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from shared.contracts.identity import ErasureRequested, ExportRequested
from shared.db import Database
from shared.events import Event
from shared.personal import Held, Personal
from shared.provision import SERVICES, consumers_of

COLUMNS = """
select table_name, column_name from information_schema.columns
 where table_schema = 'public' and table_name in (select table_name from information_schema.tables
       where table_schema = 'public' and table_type = 'BASE TABLE')"""
HOW = "undecided (services/{}/personal.py: is it shown in an export, hidden, erased?)"

Reach = Callable[[str], Awaitable[Database]]


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def personal(service: str) -> Personal:
    found: Personal = importlib.import_module(f"services.{service}.personal").personal
    return found


async def columns(database: Database) -> set[tuple[str, str]]:
    async with database.read() as session:
        return {(table, column) for table, column in await session.execute(text(COLUMNS))}


async def test_every_column_was_decided_about(service: str, personal: Personal, run_databases: Reach) -> None:
    there = await columns(await run_databases(service))
    decided = Counter((table.table, column) for table in personal.all for column in table.columns)
    assert sorted(there - set(decided)) == [], HOW.format(service)
    assert sorted(set(decided) - there) == [], "decided about, but there is no such column"
    assert [column for column, times in decided.items() if times > 1] == [], "decided about twice"


async def test_what_is_decided_can_be_asked_of_the_database(personal: Personal, database: Database) -> None:
    """Also of whom nothing is known, and of a user who is no customer."""
    for customer_id in (7, None):
        asked = ExportRequested(export_id=1, version=1, user_id=5, customer_id=customer_id)
        erased = ErasureRequested(erasure_id=1, version=2, user_id=5, customer_id=customer_id)
        async with database.begin() as session, session.begin_nested() as point:
            await personal.export_personal_data(asked, session)
            await personal.erase_personal_data(erased, session)
            await session.flush()
            await point.rollback()


def test_every_service_answers_both_questions(service: str) -> None:
    heard: set[type[Event]] = {event for consumer in consumers_of(service) for event in consumer.events}
    assert ExportRequested in heard
    assert ErasureRequested in heard


def test_what_opens_an_account_is_never_shown(personal: Personal) -> None:
    """Neither hashes nor secrets: an export travels further than this database."""
    shown = [name for table in personal.tables if isinstance(table, Held) for name in table.told]
    assert [name for name in shown if any(word in name for word in ("hash", "secret", "salt", "key"))] == []
