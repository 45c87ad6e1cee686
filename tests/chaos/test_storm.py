"""P4, P5 and P11 at scale: 10,000 payments, every tenth answer lost. It runs for many minutes.

`MDH_CHAOS_PAYMENTS` says how many.
"""

import os
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from shared import telemetry
from shared.db import Database
from tests.payments.audit import Audit
from tests.payments.storm import storm
from tests.payments.test_storm import all_is_right_after

LOOK_EVERY = 2_500
PAYMENTS = int(os.environ.get("MDH_CHAOS_PAYMENTS", "10000"))


@pytest.fixture(scope="session")
def service() -> str:
    return "payments"


async def test_ten_thousand_payments_are_right_in_the_end(
    fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with storm(fresh_database, tmp_path, monkeypatch) as it:
        for first in range(1, PAYMENTS + 1, LOOK_EVERY):
            print(
                figures(await all_is_right_after(it, range(first, min(first + LOOK_EVERY, PAYMENTS + 1)))), flush=True
            )


def figures(found: Audit) -> str:
    """For whoever measures: `pytest -s`."""
    payments = Counter(str(payment.status) for payment in found.payments)
    charges = sum(moved["charges"] for moved in found.moved.values())
    again = f"calls made again: {failures()}, clearing {found.clearing}, balance {found.balance}"
    return f"{dict(payments)}, {charges} charges, {len(found.refunds)} refunds, {len(found.webhooks)} webhooks, {again}"


def failures() -> dict[str, float]:
    """Calls to the provider that had to be made again, by task."""
    samples = chain(*(metric.samples for metric in telemetry.TASKS.collect()))
    return {
        one.labels["task"]: one.value
        for one in samples
        if one.labels.get("outcome") == "failed" and one.name.endswith("_total")
    }
