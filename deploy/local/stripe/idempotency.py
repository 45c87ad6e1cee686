"""Idempotency keys: the first answer is kept for a day and given again, also when it was a 500."""

from collections.abc import Iterator
from contextlib import contextmanager

from .answer import Answer
from .asked import Asked
from .call import Call
from .refusal import TurnedAway
from .store import Store

KEPT_SECONDS = 24 * 3600


class IdempotencyKeys:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.under_way: set[str] = set()

    @contextmanager
    def reserved(self, key: str | None) -> Iterator[None]:
        """Only one request with a key at a time; the reservation dies with the process, as the request does."""
        if key is None:
            yield
            return
        if key in self.under_way:
            message = (
                "There is currently another in-progress request using this Idempotent Key (that probably means you"
                f" submitted twice, and the other request is still going through): {key}. Please try again later."
            )
            raise TurnedAway(message, status=409, kind="idempotency_error", code="idempotency_key_in_use")
        self.under_way.add(key)
        try:
            yield
        finally:
            self.under_way.discard(key)

    def kept(self, asked: Asked, now: int) -> Answer | None:
        """The answer that this request has had before, if its key is known and not a day old."""
        self.store.change("delete from idempotency_keys where created <= :old", {"old": now - KEPT_SECONDS})
        row = self.store.row("select * from idempotency_keys where key = :key", {"key": asked.key})
        if row is None:
            return None
        _refuse_another_use(asked, row["method"], row["path"], row["fingerprint"])
        headers = {"Idempotent-Replayed": "true", "Original-Request": row["request_id"]}
        return Answer(row["status"], row["body"], headers)

    def keep(self, asked: Asked, call: Call, answer: Answer) -> None:
        if asked.key is None:
            return
        self.store.change(
            "insert into idempotency_keys (key, method, path, fingerprint, request_id, status, body, created)"
            " values (:key, :method, :path, :fingerprint, :request_id, :status, :body, :created)",
            {
                "key": asked.key,
                "method": asked.method,
                "path": asked.path,
                "fingerprint": asked.fingerprint,
                "request_id": call.request_id,
                "status": answer.status,
                "body": answer.body,
                "created": call.now,
            },
        )


def _refuse_another_use(asked: Asked, method: str, path: str, fingerprint: str) -> None:
    advice = f"Try using a key other than '{asked.key}' if you meant to execute a different request."
    if (method, path) != (asked.method, asked.path):
        message = (
            "Keys for idempotent requests can only be used for the same endpoint they were first used for"
            f" ('{asked.path}' vs '{path}'). {advice}"
        )
        raise TurnedAway(message, kind="idempotency_error")
    if fingerprint != asked.fingerprint:
        message = "Keys for idempotent requests can only be used with the same parameters they were first used with."
        raise TurnedAway(f"{message} {advice}", kind="idempotency_error")
