"""When an affiliate works."""

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, StrictInt

from shared.http import Body, View


def _minute(value: object) -> object:
    """`HH:MM` as minutes from midnight; 24:00 is the end of the day."""
    if not isinstance(value, str) or len(value) != 5 or value[2] != ":" or not (value[:2] + value[3:]).isdecimal():
        return value if isinstance(value, int) and not isinstance(value, bool) else "not HH:MM"
    hours, minutes = int(value[:2]), int(value[3:])
    return hours * 60 + minutes if minutes < 60 else "not HH:MM"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


Clock = Annotated[
    int,
    BeforeValidator(_minute, json_schema_input_type=str),
    PlainSerializer(_clock, return_type=str),
    Field(ge=0, le=1440, examples=["08:00"]),
]


class WindowRequest(Body):
    """A weekly window; weekday 0 is Monday, times are local."""

    weekday: StrictInt = Field(ge=0, le=6)
    opens: Clock
    closes: Clock


class AvailabilityRequest(Body):
    windows: list[WindowRequest] = Field(max_length=50)


class WindowView(View):
    weekday: int
    opens: Clock = Field(validation_alias="opens_minute")
    closes: Clock = Field(validation_alias="closes_minute")


class AvailabilityView(View):
    affiliate_id: int
    timezone: str
    windows: list[WindowView]
