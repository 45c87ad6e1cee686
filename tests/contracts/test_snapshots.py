"""Within a version only optional fields are added: what a consumer of yesterday reads stays as it was."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared import contracts
from shared.contracts.compatibility import breaks
from shared.events import CONTRACTS

SNAPSHOTS = sorted((Path(__file__).parent / "snapshots").glob("*.json"))


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.stem)
def test_an_event_still_fits_its_snapshot(path: Path) -> None:
    assert contracts
    assert path.stem in CONTRACTS, "an event that was published once is never taken away"
    assert breaks(json.loads(path.read_text()), CONTRACTS[path.stem].model_json_schema()) == []


def test_every_event_has_a_snapshot() -> None:
    assert {path.stem for path in SNAPSHOTS} == set(CONTRACTS)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda s: s["properties"].pop("refund_cents"), "refund_cents is gone"),
        (lambda s: s["properties"].update(reason={"type": "integer"}), "reason is another type"),
        (lambda s: s["required"].append("mood"), "mood is new and required"),
        (lambda s: s["required"].remove("zip"), "zip is no longer sent"),
    ],
)
def test_the_checker_sees_each_breach(change: Any, finding: str) -> None:
    old = CONTRACTS["booking.cancelled.v1"].model_json_schema()
    new = json.loads(json.dumps(old))
    change(new)
    assert breaks(old, new) == [finding]


def test_an_optional_field_may_be_added() -> None:
    old = CONTRACTS["booking.cancelled.v1"].model_json_schema()
    new = json.loads(json.dumps(old))
    new["properties"]["mood"] = {"type": "string", "default": "calm"}
    assert breaks(old, new) == []
