"""What one signs in with, changed: what is asked."""

from pydantic import Field

from shared.http import Body

from .fields import Email, NewPassword, Password, Secret
from .sessions import SignInRequest


class ResetRequest(Body):
    """`token` is what the link in the mail has."""

    token: Secret = Field(repr=False)
    password: NewPassword = Field(repr=False)


class PasswordRequest(SignInRequest):
    """`password` is the one of now."""

    password: Password = Field(repr=False)
    new_password: NewPassword = Field(repr=False)


class EmailRequest(Body):
    email: Email
    password: Password = Field(repr=False)


class CloseRequest(Body):
    password: Password = Field(repr=False)
