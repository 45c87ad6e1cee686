"""What payments is told beyond the platform's settings."""

from datetime import timedelta
from typing import Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.papers import PaperParty
from shared.settings import Profile
from shared.settings import Settings as PlatformSettings

from .domain.earnings import PayoutTerms
from .domain.letterhead import Letterhead


class Settings(PlatformSettings):
    """The provider's keys have no defaults: a payment service without them must not start."""

    stripe_api_key: SecretStr
    stripe_api_base: str | None = Field(default=None, description="another server that speaks Stripe; none: Stripe")
    stripe_webhook_secret: SecretStr = Field(description="several with commas between them, while they are rotated")
    stripe_publishable_key: str
    stripe_calls_per_second: float = Field(
        default=80, gt=0, description="of this process; Stripe allows 100 of all of them together, 25 with test keys"
    )
    stripe_silent_after: int = Field(
        default=10, ge=1, description="so many calls in a row without an answer, and the provider is left alone"
    )
    stripe_pause_seconds: float = Field(default=10, gt=0, description="for so long; then one call tries it again")
    onboarding_return_url: str | None = Field(
        default=None, description="where the provider sends an affiliate's owner when they are done; none: public_url"
    )
    onboarding_refresh_url: str | None = Field(
        default=None,
        description="and where when its link is too old, to ask us for another; none: public_url",
    )
    refund_alone_up_to_cents: int = Field(
        default=50_000, ge=0, description="so much of a payment one administrator alone may send back; above it, two"
    )
    payout_hold_days: int = Field(
        default=7, ge=0, le=365, description="so long after the job, and after its payment, affiliates wait for money"
    )
    payout_minimum_cents: int = Field(default=2_500, ge=1, description="no payout is smaller")
    payout_debts_wait_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="so long what an affiliate owes after a payout waits for the next; then it is taken back",
    )

    @property
    def payout_terms(self) -> PayoutTerms:
        hold, wait = timedelta(days=self.payout_hold_days), timedelta(days=self.payout_debts_wait_days)
        return PayoutTerms(hold, self.payout_minimum_cents, wait)

    platform_name: str = Field(default="Mobile Detail Hub", description="who issues receipts, and invoices on behalf")
    platform_address: str = Field(default="", description="below that name; its lines separated by |")
    platform_timezone: str = Field(default="UTC", description="where the platform's days and years begin (IANA)")

    @property
    def letterhead(self) -> Letterhead:
        lines = [line.strip() for line in self.platform_address.split("|") if line.strip()]
        return Letterhead(PaperParty(name=self.platform_name, details=lines), ZoneInfo(self.platform_timezone))

    @field_validator("platform_timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("is not an IANA time zone")
        return name

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        given = self.stripe_webhook_secret.get_secret_value().split(",")
        return tuple(secret.strip() for secret in given if secret.strip())

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.webhook_secrets:
            raise ValueError("MDH_STRIPE_WEBHOOK_SECRET names no secret")
        if self.profile is Profile.PRODUCTION and not (self.stripe_api_base or "https").startswith("https"):
            raise ValueError("MDH_STRIPE_API_BASE must be https in production")
        return self
