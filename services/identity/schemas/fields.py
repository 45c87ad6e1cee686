"""What single fields of identity's requests may hold."""

import zoneinfo
from functools import cache
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from shared.http import Line, Text

from ..domain.password import LONGEST, SHORTEST, plain


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, allow_smtputf8=False).ascii_email or text
    except EmailNotValidError:
        raise ValueError("is not an e-mail address") from None  # its own message would repeat what was sent


def masked(email: str) -> str:
    """Enough to know somebody by."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory", "posixrules"}


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError("is not a time zone of the IANA database")
    return text


Email = Annotated[str, Field(max_length=254, examples=["ada@example.com"]), AfterValidator(_address)]
EmailPrefix = Annotated[Line, Field(max_length=254, pattern=r"^[^\s%]+$", examples=["ada@"])]
Timezone = Annotated[str, Field(max_length=64, examples=["America/Chicago"]), AfterValidator(_zone)]
Locale = Annotated[
    str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$", max_length=35, examples=["en-US"])
]
Phone = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164", examples=["+15125550100"])]
_Typed = Annotated[Text, AfterValidator(plain)]
NewPassword = Annotated[_Typed, Field(min_length=SHORTEST, max_length=LONGEST)]
Password = Annotated[_Typed, Field(max_length=LONGEST)]
Code = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z -]{6,24}$", description="of the app, or a recovery code", examples=["492039"], repr=False
    ),
]
Secret = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="256 bits")]
ReturnPath = Annotated[
    str,
    Field(
        pattern=r"^/([!\"$-.0-\[\]-~][!\"$-\[\]-~]*)?$",
        max_length=500,
        description="on our own origin",
        examples=["/account"],
    ),
]
