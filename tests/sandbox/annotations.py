"""Answers held against the annotations of the official library: keys, types, what may be null, enumerations."""

import sys
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import stripe


class Names(dict[str, Any]):
    """Names that the library imports for type checkers only: its own classes, and anything for its aliases."""

    def __init__(self, module: str) -> None:
        super().__init__()
        self.module = vars(sys.modules[module])

    def __missing__(self, name: str) -> Any:
        if name in self.module:
            raise KeyError(name)
        return getattr(stripe, name, Any)


def hints_of(resource: type) -> dict[str, Any]:
    hints = get_type_hints(resource, localns=Names(resource.__module__))
    return {name: hint for name, hint in hints.items() if name != "OBJECT_NAME" and not name.startswith("_")}


def breaches(value: Any, hint: Any, path: str) -> Iterator[str]:
    """Where a value is not what its annotation says."""
    origin = get_origin(hint)
    if hint is Any:
        return
    if origin in (Union, types.UnionType):
        tried = [list(breaches(value, one, path)) for one in _alternatives(hint)]
        yield from min(tried, key=len)
    elif origin is Literal:
        if value not in get_args(hint):
            yield f"{path} is {value!r}, not one of {get_args(hint)}"
    elif origin is list:
        yield from _breaches_in_list(value, get_args(hint)[0], path)
    elif _is_untyped(hint, origin):
        if not isinstance(value, dict):
            yield f"{path} is no object"
    elif isinstance(hint, type) and issubclass(hint, stripe.StripeObject):
        yield from _breaches_in_object(value, hint, path)
    elif not isinstance(value, float if hint is float else hint) or (hint is int and value is True):
        yield f"{path} is {value!r}, not {hint}"


def _alternatives(hint: Any) -> list[Any]:
    """`Literal["a"] | str` is how the library allows for values to come; ours are to be those it knows."""
    offered = list(get_args(hint))
    enumerated = any(get_origin(one) is Literal for one in offered)
    return [one for one in offered if not (enumerated and one is str)]


def _is_untyped(hint: Any, origin: Any) -> bool:
    return origin is dict or (origin or hint) in (stripe.ListObject, stripe._stripe_object.UntypedStripeObject)


def _breaches_in_list(value: Any, hint: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path} is no list"
        return
    for place, entry in enumerate(value):
        yield from breaches(entry, hint, f"{path}[{place}]")


def _breaches_in_object(value: Any, resource: type, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is {value!r}, not an object"
        return
    hints = hints_of(resource)
    for name, hint in hints.items():
        if name in value:
            yield from breaches(value[name], hint, f"{path}.{name}")
        elif type(None) not in get_args(hint) and name != "deleted":
            yield f"{path}.{name} is missing"
    yield from (f"{path}.{name} is not known" for name in value if name not in hints and name not in UNANNOTATED)


# In Stripe's samples and answers, not in its library.
UNANNOTATED = {"source", "client_secret"}
