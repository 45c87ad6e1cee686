"""The shapes of Stripe's resources: which keys they have, and of which type the values are in Stripe's own samples.

`shapes.json` is made from the samples that Stripe publishes (`fixtures3.json` in the repository stripe/openapi):

    python tests/sandbox/shapes.py fixtures3.json > tests/sandbox/shapes.json
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Shape = dict[str, Any]

RESOURCES = (
    "account",
    "account_link",
    "balance",
    "balance_transaction",
    "charge",
    "customer",
    "dispute",
    "event",
    "payment_intent",
    "payment_method",
    "refund",
    "setup_intent",
    "transfer",
    "transfer_reversal",
)
# What a sample shows of another resource, or of one way among many to pay, is no part of the shape.
OPEN = {"capabilities", "payment_method_options", "source", "refunds", "metadata", "transfer_data"}
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", type(None): "null"}


def shape_of(sample: Any, key: str = "") -> Any:
    if not isinstance(sample, dict):
        return NAMES[type(sample)]
    return "object" if key in OPEN else {name: shape_of(value, name) for name, value in sorted(sample.items())}


def shapes_in(fixtures: dict[str, Any]) -> Shape:
    shapes: Shape = {name: shape_of(fixtures["resources"][name]) for name in RESOURCES}
    shapes["event"]["data"] = "object"
    return shapes


def known_shapes() -> Shape:
    shapes: Shape = json.loads(Path(__file__).with_name("shapes.json").read_text())
    return shapes


def deviations(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Where a value leaves the shape. Null is left to the library's annotations, which know what may be null."""
    if value is None or shape == "null":
        return
    if not isinstance(shape, dict):
        actual = "object" if isinstance(value, dict) else NAMES[type(value)]
        is_expanded = shape == "string" and actual == "object" and "object" in value
        if actual != shape and not is_expanded:
            yield f"{path} is {actual}, not {shape}"
    elif not isinstance(value, dict):
        yield f"{path} is no object"
    else:
        yield from (f"{path}.{key} is missing" for key in shape if key not in value)
        for key in shape.keys() & value.keys():
            yield from deviations(value[key], shape[key], f"{path}.{key}")


if __name__ == "__main__":
    published = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(shapes_in(published), indent=1))
