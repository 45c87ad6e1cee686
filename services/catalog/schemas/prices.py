"""What the API takes and gives of price lists. Money is cents, rates basis points, tax parts per million, distance
metres."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field, StrictBool, StrictInt

from shared.http import Body, View
from shared.pricing import MAX_PRICE_CENTS, MIN_PRICE_CENTS
from shared.vehicles import Condition, SizeClass

from ..domain.price_list import (
    MAX_DISTANCE_M,
    MAX_FEE_CENTS,
    MAX_MULTIPLIER_BP,
    MAX_TAX_PPM,
    MIN_MULTIPLIER_BP,
    AddOnDraft,
)
from ..domain.tier import MAX_MINUTES
from .words import Category, Name


def _payable(cents: int) -> int:
    if 0 < cents < MIN_PRICE_CENTS:
        raise ValueError(f"is neither nothing nor at least {MIN_PRICE_CENTS}, the least that can be paid")
    return cents


def _each_once(name: str) -> Callable[[Sequence[Any]], Sequence[Any]]:
    def check(entries: Sequence[Any]) -> Sequence[Any]:
        named = [getattr(entry, name) for entry in entries]
        if len(set(named)) < len(named):
            raise ValueError(f"names a {name} twice")
        return entries

    return check


def _ascending(bands: "list[TravelBandRequest]") -> "list[TravelBandRequest]":
    ends = [band.up_to_m for band in bands]
    if ends != sorted(set(ends)):
        raise ValueError("up_to_m does not ascend")
    return bands


Multiplier = Annotated[
    StrictInt, Field(ge=MIN_MULTIPLIER_BP, le=MAX_MULTIPLIER_BP, description="1/100 of a percent", examples=[12_000])
]
Fee = Annotated[StrictInt, Field(ge=0, le=MAX_FEE_CENTS, description="cents"), AfterValidator(_payable)]


class SizeMultiplierRequest(Body):
    size_class: SizeClass
    multiplier_bp: Multiplier


class ConditionMultiplierRequest(Body):
    condition: Condition
    multiplier_bp: Multiplier


class TravelBandRequest(Body):
    up_to_m: Annotated[StrictInt, Field(ge=1, le=MAX_DISTANCE_M, description="metres")]
    fee_cents: Fee


class PriceListRequest(Body):
    """The whole price list but for its add-ons. With sizes, only vehicles of those are taken, and those that a tier
    names a price for; without, all. A condition that is left out costs nothing more. Beyond the last band its fee
    stands."""

    sizes: Annotated[list[SizeMultiplierRequest], Field(max_length=20), AfterValidator(_each_once("size_class"))]
    conditions: Annotated[
        list[ConditionMultiplierRequest], Field(max_length=20), AfterValidator(_each_once("condition"))
    ]
    travel_bands: Annotated[list[TravelBandRequest], Field(max_length=20), AfterValidator(_ascending)]
    minimum_cents: Annotated[StrictInt, Field(ge=MIN_PRICE_CENTS, le=MAX_PRICE_CENTS, description="cents")]
    tax_ppm: Annotated[StrictInt, Field(ge=0, le=MAX_TAX_PPM, description="parts per million", examples=[88_750])]


class AddOnRequest(Body):
    """Offered with services of these categories; none named: with all. Shown by position."""

    name: Name
    price_cents: Annotated[StrictInt, Field(ge=0, le=MAX_FEE_CENTS, description="cents")]
    duration_minutes: Annotated[StrictInt, Field(ge=0, le=MAX_MINUTES)]
    categories: list[Category] = Field(default=[], max_length=50)
    active: StrictBool = True
    position: Annotated[StrictInt, Field(ge=0, le=1_000)] = 0

    def draft(self) -> AddOnDraft:
        return AddOnDraft(**self.model_dump())


class SizeMultiplierView(View):
    size_class: SizeClass
    multiplier_bp: int


class ConditionMultiplierView(View):
    condition: Condition
    multiplier_bp: int


class TravelBandView(View):
    up_to_m: int
    fee_cents: int


class AddOnView(View):
    add_on_id: int
    name: str
    price_cents: int
    duration_minutes: int
    categories: list[str]
    active: bool
    position: int


class PriceListView(View):
    """Version 0: the affiliate has none; its tiers cost what they cost, whatever the vehicle."""

    version: int
    sizes: list[SizeMultiplierView]
    conditions: list[ConditionMultiplierView]
    travel_bands: list[TravelBandView]
    minimum_cents: int
    tax_ppm: int
    add_ons: list[AddOnView] = Field(validation_alias=AliasChoices("current_add_ons", "add_ons"))
