"""Opening an account: what is asked and answered."""

from typing import Literal

from pydantic import Field

from shared.http import Body, Line, View

from .fields import Email, Locale, NewPassword, Password, Phone, Secret, Timezone


class RegisterRequest(Body):
    """A new account: a customer's, or that of somebody who will apply as an affiliate."""

    account: Literal["customer", "affiliate"]
    email: Email
    password: NewPassword = Field(repr=False)
    full_name: Line
    locale: Locale = "en-US"
    timezone: Timezone = "UTC"
    phone: Phone | None = None


class MailToRequest(Body):
    email: Email


class MailedSecretRequest(Body):
    """`token` is what the link in the mail has, `password` the one of the account that it is for."""

    token: Secret = Field(repr=False)
    password: Password = Field(repr=False)


class AcceptedView(View):
    """The same for every address, whether there is an account with it or not."""

    detail: str = "If it can be done, we have sent a mail to that address. It says what comes next."
