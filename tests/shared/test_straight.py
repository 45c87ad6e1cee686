"""Statements that go past SQLAlchemy keep what it promises."""

import pytest
from sqlalchemy import bindparam, insert, text
from sqlalchemy.exc import DBAPIError

from shared.db import Database, away, enforced_by
from shared.errors import Conflict
from shared.outbox import ErasedPerson, PlatformBase
from shared.straight import Straight
from shared.testing.databases import counted_statements
from shared.testing.plugin import AsOwner

TABLE = PlatformBase.metadata.tables["erased_people"]
ERASE = Straight(insert(TABLE).values(person=bindparam("person")))
COUNT = Straight(text("select count(*) as found, cast('{\"a\": 1}' as jsonb) as json from erased_people"))


class ErasedAlready(Conflict):
    """They were erased before."""


async def test_they_are_part_of_the_sessions_transaction_and_are_heard(database: Database) -> None:
    with counted_statements(database) as sent:
        async with database.begin() as session:
            await ERASE.rows(session, person="user:5")
            assert await session.get(ErasedPerson, "user:5")
            await session.rollback()
    assert sent[0].startswith("INSERT INTO erased_people")
    async with database.begin() as session:
        [row] = await COUNT.rows(session)
    assert (row["found"], row["json"]) == (0, {"a": 1})


async def test_what_the_database_refuses_has_its_name(database: Database) -> None:
    async with database.begin() as session:
        await ERASE.rows(session, person="user:5")
        with pytest.raises(ErasedAlready), enforced_by("erased_people_pkey", ErasedAlready):
            async with session.begin_nested():
                await ERASE.rows(session, person="user:5")
        assert (await COUNT.rows(session))[0]["found"] == 1


async def test_when_tables_change_it_is_sent_once_more_at_most(fresh_database: Database, as_owner: AsOwner) -> None:
    names = Straight(text("select name from jobs"))
    async with fresh_database.begin() as session:
        await names.rows(session)
    await as_owner("alter table jobs alter column name type text")
    with pytest.raises(DBAPIError) as failed:
        async with fresh_database.begin() as session:
            await names.rows(session)
    assert away(failed.value)
    async with fresh_database.begin() as session:
        assert await names.rows(session) == []
