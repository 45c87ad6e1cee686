"""Words that catalog's API uses in more than one place."""

from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from shared.http import Line, Text

ZIP = r"^[0-9]{5}$"
CATEGORY = r"^[a-z][a-z_]{0,49}$"


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text.strip()


Name = Annotated[Line, AfterValidator(_not_blank)]
Reason = Annotated[Text, AfterValidator(_not_blank)]
Zip = Annotated[str, Field(pattern=ZIP)]
Category = Annotated[str, Field(pattern=CATEGORY, examples=["exterior"])]
BasisPoints = Annotated[StrictInt, Field(ge=0, le=10_000, description="1/100 of a percent")]
