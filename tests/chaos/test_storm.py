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
from tests.payments.storm import storm
from tests.payments.test_storm import all_is_right_after

PAYMENTS = int(os.environ.get("MDH_CHAOS_PAYMENTS", "10000"))


@pytest.fixture(scope="session")
def service() -> str:
    return "payments"


async def test_ten_thousand_payments_are_right_in_the_end(
    fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with storm(fresh_database, tmp_path, monkeypatch) as it:
        found = await all_is_right_after(it, PAYMENTS)
    print(Counter(payment.status for payment in found.payments), Counter(outcome for _, outcome in found.webhooks))
    charges = sum(moved["charges"] for moved in found.moved.values())
    print(f"{charges} charges, {len(found.refunds)} refunds, calls made again: {failures()}")


def failures() -> dict[str, float]:
    """Calls to the provider that had to be made again, by task."""
    samples = chain(*(metric.samples for metric in telemetry.TASKS.collect()))
    return {
        one.labels["task"]: one.value
        for one in samples
        if one.labels.get("outcome") == "failed" and one.name.endswith("_total")
    }
