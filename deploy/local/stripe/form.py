"""Stripe's request format: form fields whose brackets spell out a tree, `metadata[booking_id]=7`."""

import re
from urllib.parse import parse_qsl

from .refusal import TurnedAway

Tree = dict[str, "str | Tree"]

FIELD = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
MOST_FIELDS = 1000
DEEPEST = 8


def parse_form(text: str) -> Tree:
    """The fields as a tree. Lists stay keyed by their position, because only the reader knows what is a list."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except (ValueError, UnicodeDecodeError) as error:
        raise TurnedAway("Invalid request: the parameters could not be read.") from error
    tree: Tree = {}
    for name, value in pairs:
        _put(tree, _steps(name), value)
    return tree


def _steps(name: str) -> list[str]:
    matched = FIELD.match(name)
    if matched is None:
        raise TurnedAway(f"Invalid parameter name: {name}")
    steps = [matched[1], *re.findall(r"\[([^\[\]]*)\]", matched[2])]
    if len(steps) > DEEPEST:
        raise TurnedAway(f"Invalid parameter name: {name}")
    return steps


def _put(tree: Tree, steps: list[str], value: str) -> None:
    branch = tree
    for step in steps[:-1]:
        below = branch.setdefault(step or str(len(branch)), {})
        if isinstance(below, str):
            raise _both(steps)
        branch = below
    last = steps[-1] or str(len(branch))
    if isinstance(branch.get(last), dict):
        raise _both(steps)
    branch[last] = value


def _both(steps: list[str]) -> TurnedAway:
    return TurnedAway(f"Invalid parameter: {steps[0]} was given both as a value and as a tree", param=steps[0])
