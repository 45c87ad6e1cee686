"""Refusals: every "no" is a class. Its docstring is what the user reads, its base is the HTTP status."""

import re
from typing import Any, ClassVar


class Refusal(Exception):
    """The request was refused."""

    status: ClassVar[int] = 400
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.detail)
        self.facts = facts

    @property
    def code(self) -> str:
        """The class name in kebab-case: `SlotTaken` is `slot-taken`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def title(self) -> str:
        return self.code.replace("-", " ").capitalize()

    @property
    def detail(self) -> str:
        return " ".join((type(self).__doc__ or "").split())


class BadRequest(Refusal):
    """The request cannot be read."""


class Unauthenticated(Refusal):
    """Sign in first: the access token is missing, expired or not ours."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class Forbidden(Refusal):
    """Your role does not allow this."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or it is not yours to see."""

    status = 404


class Conflict(Refusal):
    """The state of things does not allow this."""

    status = 409


class PreconditionFailed(Refusal):
    """It was changed meanwhile: read it again, then send If-Match with its new ETag."""

    status = 412


class Unprocessable(Refusal):
    """The request was understood and cannot be carried out as it stands."""

    status = 422


class ChangedMeanwhile(Conflict):
    """Somebody else changed this at the same moment. Read it again and retry."""


class Busy(Conflict):
    """Others are changing the same thing right now. Try again in a second."""

    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class Overloaded(Refusal):
    """The service is at its limit. Try again in a second."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}
