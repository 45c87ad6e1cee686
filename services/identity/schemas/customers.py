"""What customers keep here: what is asked and shown."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from shared.http import Body, Line, Text, View
from shared.vehicles import SizeClass

from ..domain.consent import MarketingChannel

Zip = Annotated[str, Field(pattern=r"^[0-9]{5}$", examples=["11201"])]
Label = Annotated[Line, Field(max_length=50, examples=["Home"])]
Name = Annotated[Line, Field(max_length=60)]


class AddressRequest(Body):
    """City, state and coordinates follow from the zip code. The default stays it until another becomes it."""

    label: Label
    line1: Line
    line2: Line | None = None
    zip: Zip
    access_notes: Text | None = Field(default=None, examples=["Gate code 4711"])
    is_default: StrictBool = False


class AddressView(View):
    id: int
    version: int
    label: str
    line1: str
    line2: str | None
    city: str
    state: str
    zip: str
    latitude: float
    longitude: float
    access_notes: str | None
    is_default: bool
    created_at: datetime
    updated_at: datetime


class VehicleRequest(Body):
    """`year` is that of the model, next year's at most."""

    year: Annotated[StrictInt, Field(ge=1900, le=2200)]
    make: Name
    model: Name
    color: Annotated[Line, Field(max_length=40)] | None = None
    size_class: SizeClass
    license_plate: Annotated[Line, Field(max_length=20)] | None = None
    condition_notes: Text | None = None


class VehicleView(View):
    id: int
    version: int
    year: int
    make: str
    model: str
    color: str | None
    size_class: SizeClass
    license_plate: str | None
    condition_notes: str | None
    created_at: datetime
    updated_at: datetime


class ConsentRequest(Body):
    """Both channels, each true or false. `wording` is the version of the text shown; needed to agree, not to object."""

    email: StrictBool
    sms: StrictBool
    wording: Annotated[Line, Field(max_length=50, examples=["2026-11"])] | None = None

    @property
    def channels(self) -> dict[MarketingChannel, bool]:
        return {MarketingChannel.EMAIL: self.email, MarketingChannel.SMS: self.sms}


class ConsentView(View):
    """Version 0: nothing was said yet, so nothing agreed to."""

    version: int
    email: bool
    sms: bool


class ConsentChangeView(View):
    channel: MarketingChannel
    granted: bool
    wording: str | None
    address: str | None
    user_agent: str | None
    created_at: datetime
