"""An answer as it is sent and, byte for byte, as an idempotency key keeps it."""

import json
from dataclasses import dataclass, field

from .client_view import client_view
from .document import Document
from .refusal import Refusal


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document, by_customer: bool = False) -> "Answer":
        return cls(200, json.dumps(client_view(document) if by_customer else document, indent=2))

    @classmethod
    def refusing(cls, refusal: Refusal, by_customer: bool = False) -> "Answer":
        error = dict(refusal.error)
        if by_customer and "payment_intent" in error:
            error["payment_intent"] = client_view(error["payment_intent"])
        return cls(refusal.status, json.dumps({"error": error}, indent=2))
