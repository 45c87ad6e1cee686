"""Every "no" of the sandbox, in the shape of Stripe's errors."""

from typing import Any

from .document import Document

DOCS = "https://stripe.com/docs/error-codes/"


class Refusal(Exception):
    """An answer that is an error.

    `remembered` says whether an idempotency key keeps it: Stripe keeps what its endpoints decided, not what was
    turned away before one of them ran. `keeps_effects` is for a declined card, which leaves its traces.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        remembered: bool = True,
        keeps_effects: bool = False,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.remembered = remembered
        self.keeps_effects = keeps_effects
        self.headers = headers or {}
        documented = {"code": code, "doc_url": DOCS + code.replace("_", "-")} if code else {}
        self.error: Document = {**documented, "message": message, **more, "type": kind}


class TurnedAway(Refusal):
    """Refused before the endpoint ran, so a retry with the same idempotency key is a fresh attempt."""

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message, remembered=False, **more)


class NoSuch(Refusal):
    def __init__(self, name: str, identifier: str, param: str = "id") -> None:
        message = f"No such {name}: '{identifier}'"
        super().__init__(message, status=404, code="resource_missing", param=param)


class UnexpectedState(Refusal):
    def __init__(self, message: str, intent: Document) -> None:
        super().__init__(message, code="payment_intent_unexpected_state", payment_intent=intent)


class UnknownRoute(TurnedAway):
    def __init__(self, method: str, path: str) -> None:
        message = (
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
            "https://support.stripe.com/."
        )
        super().__init__(message, status=404)
