"""JSON as RFC 8259 has it and as it can be stored: what others tolerate is refused before it can do any harm."""

import json
import math
from typing import Any

from shared.errors import BadRequest

MAX_DEPTH = 32  # of objects and lists in each other


class MalformedBody(BadRequest):
    """The body is not JSON as RFC 8259 has it: one value, no duplicate names, no NaN or Infinity, UTF-8."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedBody
    return found


def _no_constant(_name: str) -> None:
    raise MalformedBody


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise MalformedBody
    return number


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def strict_json(body: bytes) -> Any:
    """JSON with no duplicate names, NaN, Infinity, absurd numbers or endless nesting; `MalformedBody` otherwise."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
            raise MalformedBody
    except (ValueError, RecursionError) as error:
        raise MalformedBody from error
    return value
