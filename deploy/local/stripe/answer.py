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
        for kind in error.keys() & {"payment_intent", "setup_intent"} if by_customer else ():
            error[kind] = client_view(error[kind])
        return cls(refusal.status, json.dumps({"error": error}, indent=2), refusal.headers)
