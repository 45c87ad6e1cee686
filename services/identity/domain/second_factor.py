"""The second factor: one-time codes of an app (TOTP, RFC 6238), and recovery codes for when the app is lost.

A code is good once, whoever sends it first: the step of the last one that was taken is kept, and only a later one is
taken after it. Guesses are limited for the account, so that logging in anew gives no further ones; recovery codes
cannot be guessed, and need no limit.
"""

import base64
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Self

import pyotp
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped
from shared.errors import Conflict, Forbidden, NotFound, Unauthenticated

from . import Base
from .account import User
from .session import digest

STEP = 30  # seconds
DRIFT = 1  # steps that the clock of a phone may be off, either way
ISSUER = "Mobile Detail Hub"
RECOVERY_CODES = 10
CHALLENGE_LIFE = timedelta(minutes=5)
TRIES_OF_A_CHALLENGE = 5
ENROLMENT_LIFE = timedelta(minutes=15)
ONE_TIME, RECOVERY = re.compile(r"[0-9]{6}"), re.compile(r"[A-Z2-7]{16}")


class WrongCode(Forbidden):
    """This code is wrong, too old, or was used before. Wait for the app to show the next one."""


class ChallengeEnded(Unauthenticated):
    """This sign-in took too long, was completed before, or had too many wrong codes. Log in again."""


class SecondFactorOn(Conflict):
    """The second factor is on already. Switch it off first, to set up another app."""


class NoSecondFactor(NotFound):
    """No second factor has been set up, or its setting up took too long. Set it up anew."""


class SecondFactor(Timestamped, Base, kw_only=True):
    """The secret that an app shares with us, sealed; `users.second_factor_at` says since when it is asked for."""

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(repr=False)
    last_step: Mapped[int | None] = mapped_column(default=None)

    def waits(self, at: datetime) -> bool:
        """For its first code, which comes from whoever has just set up an app."""
        return at < self.updated_at + ENROLMENT_LIFE


class RecoveryCode(Keyed, Timestamped, Base, kw_only=True):
    """Good once, instead of a code of the app. 80 random bits, stored hashed."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    code_hash: Mapped[bytes] = mapped_column(repr=False)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class Challenge(Keyed, Timestamped, Base, kw_only=True):
    """A sign-in that waits for its code. It ends when the account is changed: what was proved may no longer be true."""

    __tablename__ = "second_factor_challenges"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user_version: Mapped[int]
    challenge_hash: Mapped[bytes] = mapped_column(repr=False)
    device: Mapped[str | None]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(default=None)

    @classmethod
    def to(cls, user: User, secret: str, at: datetime, *, device: str | None) -> Self:
        return cls(
            user_id=user.id,
            user_version=user.version,
            challenge_hash=digest(secret),
            device=device,
            expires_at=at + CHALLENGE_LIFE,
        )


def new_secret() -> str:
    """For an app: 160 bits, in base32."""
    return pyotp.random_base32()


def enrolment_uri(secret: str, email: str) -> str:
    """What the app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(code: str, secret: str, at: datetime) -> int | None:
    """The step of time that this is the code of, if it is one of now; the latest, should two have the same code."""
    current, totp = int(at.timestamp()) // STEP, pyotp.TOTP(secret)
    good = [
        step
        for step in range(current - DRIFT, current + DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step), code)
    ]
    return max(good, default=None)


def new_recovery_codes() -> list[str]:
    """As they are shown: `ABCD-EFGH-IJKL-MNOP`."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    return ["-".join(re.findall("....", code)) for code in codes]


def plain(code: str) -> str:
    """A code as it is compared: people write them with spaces, hyphens, in lower case."""
    return re.sub("[ -]", "", code).upper()
