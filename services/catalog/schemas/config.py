"""What the API takes and gives of the platform's configuration."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, StrictInt, TypeAdapter, model_validator

from shared.http import Body, View
from shared.platform_config import Feature
from shared.terms import CancellationPolicy, CommissionRate, Deposit, PaymentMode

from ..domain.config import CURRENCIES
from .words import CATEGORY, BasisPoints, Category

Word = Annotated[str, Field(pattern=CATEGORY, examples=["flexible"])]
Hours = Annotated[StrictInt, Field(ge=0, le=720)]


class RateRequest(Body):
    """Of a category, of affiliates of a tier, or of both: the one that says most holds."""

    category: Category | None = None
    affiliate_tier: Word | None = None
    commission_bp: BasisPoints

    @model_validator(mode="after")
    def _says_of_what(self) -> Self:
        if self.category is self.affiliate_tier is None:
            raise ValueError("names neither a category nor an affiliate's tier: that is commission_bp")
        return self


class PolicyRequest(Body):
    """A policy that an affiliate may choose instead of the usual one."""

    name: Word
    free_cancellation_hours: Hours
    late_cancellation_fee_bp: BasisPoints
    late_cancellation_fee_cents: Annotated[StrictInt, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="instead of the share, where it is named; never more than the price"
    )
    no_show_fee_bp: BasisPoints = 10_000


class DepositRequest(Body):
    deposit_bp: Annotated[StrictInt, Field(ge=1, le=10_000, description="1/100 of a percent")]
    minimum_cents: Annotated[StrictInt, Field(ge=0, le=10_000_000)] = 0


def _each_once(what: str, key: Callable[[Any], Any]) -> AfterValidator:
    def check(items: list[Any]) -> list[Any]:
        if len({key(item) for item in items}) < len(items):
            raise ValueError(f"names {what} twice")
        return items

    return AfterValidator(check)


Rates = Annotated[
    list[RateRequest],
    Field(max_length=500),
    _each_once("the same category and tier", lambda rate: (rate.category, rate.affiliate_tier)),
]
Modes = Annotated[list[PaymentMode], Field(min_length=1, max_length=10), _each_once("a way to pay", lambda mode: mode)]
Policies = Annotated[list[PolicyRequest], Field(max_length=20), _each_once("a policy", lambda policy: policy.name)]


class ConfigRequest(Body):
    """What is to change: what is left out stays, and so do features that are not named; lists are sent whole. Only the
    deposit can be taken away (null). Holds last `hold_minutes`, `max_open_holds` for a customer; bookings begin
    `lead_minutes` to `horizon_days` from now."""

    currency: Literal[CURRENCIES] = ""  # type: ignore[valid-type]
    commission_bp: BasisPoints = 0
    commission_rates: Rates = Field(default_factory=list)
    hold_minutes: Annotated[StrictInt, Field(ge=1, le=1440)] = 0
    max_open_holds: Annotated[StrictInt, Field(ge=1, le=20)] = 0
    payment_modes: Modes = Field(default_factory=list, description="the first holds for who has chosen none")
    lead_minutes: Annotated[StrictInt, Field(ge=0, le=43_200)] = 0
    horizon_days: Annotated[StrictInt, Field(ge=1, le=730)] = 0
    free_cancellation_hours: Hours = 0
    late_cancellation_fee_bp: BasisPoints = 0
    cancellation_policies: Policies = Field(default_factory=list)
    deposit: DepositRequest | None = None
    tips_allowed: StrictBool = True
    features: dict[Feature, StrictBool] = Field(default_factory=dict)

    @property
    def changes(self) -> dict[str, Any]:
        """But for the features, in the words of `shared.terms`."""
        wanted: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set - {"features"}}
        return wanted | {n: kind.validate_python(wanted[n]) for n, kind in TERMS.items() if n in wanted}

    @property
    def categories(self) -> set[str]:
        return {rate.category for rate in self.commission_rates if rate.category}


TERMS: dict[str, TypeAdapter[Any]] = {
    "commission_rates": TypeAdapter(list[CommissionRate]),
    "cancellation_policies": TypeAdapter(list[CancellationPolicy]),
    "deposit": TypeAdapter(Deposit | None),
    "payment_modes": TypeAdapter(list[str]),
}


class PublicConfigView(View):
    version: int
    currency: str
    hold_minutes: int
    max_open_holds: int
    lead_minutes: int
    horizon_days: int
    free_cancellation_hours: int
    late_cancellation_fee_bp: int
    cancellation_policies: list[CancellationPolicy]
    deposit: Deposit | None
    tips_allowed: bool
    payment_modes: list[str]
    features: dict[Feature, bool]


class ConfigView(PublicConfigView):
    """With what is between the platform and its affiliates; for staff."""

    commission_bp: int
    commission_rates: list[CommissionRate]
    updated_at: datetime


class ConfigChangeView(View):
    """`changes` maps a field to what it was and what it became. `changed_by` is a user, `operator` whoever had a shell,
    by the name they gave; the first entry is the installation's."""

    version: int
    changed_by: int | None
    operator: str | None
    changes: dict[str, Any]
    created_at: datetime
