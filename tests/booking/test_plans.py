"""What each booking asks is planned once, not each time: what PostgreSQL says."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Executable, text

from services.booking.queries.offers import LOCK_FOR_BOOKING, OFFER_AND_HOLDS
from services.booking.queries.slots import CREWS_OF_ONE
from shared.clock import now
from shared.db import Database
from shared.idempotency import STORED_OR_LOCKED
from shared.sealing import KEY_OF_ONE

TRIED = 5  # plans for given values, before PostgreSQL decides whether one for all values would do
PLANNED_EACH_TIME = text("select statement from pg_prepared_statements where custom_plans > :tried")
ASKED: list[tuple[Executable, dict[str, Any]]] = [
    (STORED_OR_LOCKED, {"lock": "user:7 k", "owner": "user:7", "key": "k"}),
    (LOCK_FOR_BOOKING, {"tier_id": 51, "customer_id": "7"}),
    (OFFER_AND_HOLDS, {"tier_id": 51, "customer_id": 7}),
    (CREWS_OF_ONE, {"affiliate_id": 31, "first": now(), "last": now() + timedelta(days=3)}),
    (KEY_OF_ONE, {"person": "customer:7", "key": bytes(32)}),
]


async def test_the_statements_of_a_booking_are_planned_once(fresh_database: Database) -> None:
    async with fresh_database.begin() as session:
        for statement, values in ASKED * (TRIED + 2):
            await session.execute(statement, values)
        assert not (await session.scalars(PLANNED_EACH_TIME, {"tried": TRIED})).all()
