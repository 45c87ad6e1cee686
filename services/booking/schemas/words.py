"""Words that several of booking's bodies use."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from shared.places import is_known


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


def _known(zip: str) -> str:
    if not is_known(zip):
        raise ValueError("is no zip code that we know")
    return zip


Zip = Annotated[str, Field(pattern=r"^[0-9]{5}$", examples=["11201"])]
KnownZip = Annotated[Zip, AfterValidator(_known)]
