"""The second factor: what is asked and shown."""

from datetime import datetime

from pydantic import Field

from shared.http import Body, View

from .fields import Code, Password, Secret
from .sessions import SignInRequest


class EnrolmentRequest(Body):
    password: Password = Field(repr=False)


class CodeRequest(Body):
    code: Code = Field(repr=False)


class ProofRequest(Body):
    """Both factors: for what weakens the account."""

    password: Password = Field(repr=False)
    code: Code = Field(repr=False)


class SecondFactorRequest(SignInRequest):
    """`challenge` is what the login answered."""

    challenge: Secret = Field(repr=False)
    code: Code = Field(repr=False)


class SecondFactorView(View):
    """`on_since` is null while no code is asked for; `codes_left` are the recovery codes not used yet."""

    on_since: datetime | None
    codes_left: int


class EnrolmentView(View):
    """For an app: type `secret`, or show `uri` as a QR code."""

    secret: str
    uri: str


class RecoveryCodesView(View):
    """Shown once. Each is good once, instead of a code of the app."""

    recovery_codes: list[str]


class ChallengeView(View):
    challenge: str
    expires_at: datetime


class CodeNeededView(View):
    """No tokens yet: `POST /login/second-factor` wants this challenge and a code."""

    second_factor: ChallengeView
