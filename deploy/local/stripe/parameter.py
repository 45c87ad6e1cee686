"""How one parameter of Stripe's API is read from a form field, and what is said when it cannot be."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

CURRENCIES = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "nzd": 50, "chf": 50, "mxn": 1000, "jpy": 50}
MOST_CENTS = 99_999_999


def _integer(given: Any) -> int:
    if isinstance(given, int):
        return given
    if isinstance(given, str) and re.fullmatch(r"-?\d{1,15}", given, re.ASCII):
        return int(given)
    raise PydanticCustomError("parameter_invalid_integer", "Invalid integer: {given}", {"given": str(given)[:100]})


def _positive(given: int) -> int:
    if given < 1:
        raise PydanticCustomError("parameter_invalid_integer", "This value must be greater than or equal to 1.")
    return given


def _boolean(given: Any) -> bool:
    if given in ("true", "false", True, False):
        return given in ("true", True)
    raise PydanticCustomError("parameter_invalid", "Invalid boolean: {given}", {"given": str(given)[:100]})


def _text(given: Any) -> str | None:
    """Stripe reads an empty value as "unset this"."""
    if not isinstance(given, str) or "\x00" in given:
        raise PydanticCustomError("parameter_invalid", "Invalid string: {given}", {"given": repr(given)[:100]})
    if len(given) > 5000:
        raise PydanticCustomError("parameter_invalid", "This value must have at most 5000 characters.")
    return given or None


def _named(given: Any) -> str:
    text = _text(given)
    if text is None:
        raise PydanticCustomError("parameter_invalid_empty", "You passed an empty string where a value is needed.")
    return text


def _currency(given: str) -> str:
    currency = given.lower()
    if currency not in CURRENCIES:
        known = ", ".join(CURRENCIES)
        message = "Invalid currency: {given}. This sandbox supports these currencies: {known}"
        raise PydanticCustomError("parameter_invalid", message, {"given": given[:10], "known": known})
    return currency


def _listed(given: Any) -> list[Any]:
    """A list arrives keyed by position: `expand[0]`, or `expand[]`."""
    if isinstance(given, dict) and all(key.isdecimal() for key in given):
        return list(given.values())
    raise PydanticCustomError("parameter_invalid", "Invalid array")


def _metadata(given: Any) -> dict[str, str]:
    """Keys with an empty value are to be removed; an empty value for all of it removes every key."""
    if given == "":
        return {"": ""}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise PydanticCustomError("parameter_invalid", "Invalid object")
    if len(given) > 50 or any(len(key) > 40 or len(value) > 500 for key, value in given.items()):
        message = "Metadata can have up to 50 keys, of up to 40 characters, with values of up to 500 characters."
        raise PydanticCustomError("parameter_invalid", message)
    return given


def _moment(given: Any) -> Any:
    """`created=5` means exactly then; `created[gte]=5` opens a range."""
    if isinstance(given, str):
        return {"gte": given, "lte": given}
    return given


Integer = Annotated[int, BeforeValidator(_integer)]
Amount = Annotated[int, BeforeValidator(_positive), BeforeValidator(_integer)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Text = Annotated[str | None, BeforeValidator(_text)]
Named = Annotated[str, BeforeValidator(_named)]
Currency = Annotated[str, BeforeValidator(_currency), BeforeValidator(_named)]
Names = Annotated[list[Named], BeforeValidator(_listed)]
Metadata = Annotated[dict[str, str], BeforeValidator(_metadata)]
Limit = Annotated[int, BeforeValidator(_integer), Field(ge=1, le=100)]
moment = BeforeValidator(_moment)


def merged(metadata: dict[str, str], changes: dict[str, str] | None) -> dict[str, str]:
    """Metadata after an update: named keys replaced, emptied ones gone, the others untouched."""
    if changes is None:
        return metadata
    if "" in changes:
        return {}
    return {key: value for key, value in {**metadata, **changes}.items() if value != ""}
