"""Putting things in order: all of them, each once."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from shared.errors import Unprocessable

K = TypeVar("K", int, str)


class NotTheWholeOrder(Unprocessable):
    """An order names everything there is, each once; `missing` was left out, `unknown` is not there or named twice."""


def must_name_each_once(named: Sequence[K], there: Collection[K]) -> None:
    missing = [key for key in there if key not in named]
    unknown = [key for at, key in enumerate(named) if key not in there or key in named[:at]]
    if missing or unknown:
        raise NotTheWholeOrder(missing=missing, unknown=unknown)
