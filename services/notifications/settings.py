"""What notifications needs to be told besides the platform's settings."""

from email.utils import parseaddr
from enum import StrEnum
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from shared import settings


class Tls(StrEnum):
    """How the way to the mail server is protected: not at all, by STARTTLS, or from the first byte."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Settings(settings.Settings):
    """`mail_from` is an address, with or without a name: `Mobile Detail Hub <no-reply@example.com>`."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Tls = Tls.NONE
    mail_from: str = "Mobile Detail Hub <no-reply@localhost>"
    frontend_url: str | None = Field(default=None, description="where mails' links lead; none: to the platform itself")

    staff_email: str | None = Field(
        default=None, description="who is told what waits for staff, such as evidence for banks; none: nobody, by mail"
    )

    @property
    def pages_url(self) -> str:
        """Where the pages are that take a secret from a link; identity has some for want of a front end."""
        return (self.frontend_url or f"{self.public_url.rstrip('/')}/identity/v1/pages").rstrip("/")

    @field_validator("mail_from", "staff_email")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if "@" not in parseaddr(value)[1] or not value.isprintable():
            raise ValueError("is not an e-mail address")
        return value

    @model_validator(mode="after")
    def _protected(self) -> Self:
        """Mail has names and addresses of people in it: in production it does not travel in the open."""
        sends = self.role is not settings.Role.API
        if sends and self.profile is settings.Profile.PRODUCTION and self.smtp_tls is Tls.NONE:
            raise ValueError("MDH_SMTP_TLS must be starttls or tls in production")
        return self
