"""Stripe's API: each request is read, run in one transaction and answered, or meets the fault set for it."""

import logging

from starlette.requests import Request
from starlette.responses import Response

from .answer import Answer
from .asked import Asked, read_request
from .call import Call
from .expansion import expand
from .fault import Fault, broken
from .form import Tree
from .ids import new_id
from .refusal import Refusal
from .sandbox import Sandbox
from .settings import API_VERSION

log = logging.getLogger(__name__)


class Api:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def answer(self, request: Request) -> Response:
        request_id = new_id("req", 14)
        try:
            answer = await self._serve(request, request_id)
        except Refusal as refusal:
            answer = Answer.refusing(refusal)
        except Exception:
            log.exception("call.broken %s %s", request.method, request.url.path)
            answer = Answer.refusing(broken())
        return _response(answer, request, request_id)

    async def _serve(self, request: Request, request_id: str) -> Answer:
        asked = await read_request(request, self.sandbox.settings)
        fault = self.sandbox.faults.next_for(asked.operation.name)
        with self.sandbox.keys.reserved(asked.key):
            if fault is not None:
                await fault.strike_first()
                if fault.mode in ("drop", "hang") and not fault.takes_effect:
                    await fault.strike_last(request)
                    return Answer.refusing(broken())
            answer = self._perform(request, request_id, asked, fault)
        if fault is not None:
            await fault.strike_last(request)
        return answer

    def _perform(self, request: Request, request_id: str, asked: Asked, fault: Fault | None) -> Answer:
        """The effect, its events and the answer its key keeps: one transaction."""
        known = {"tree": asked.tree, "request_id": request_id, "key": asked.key, "by_customer": asked.by_customer}
        with self.sandbox.change(self.sandbox.url_for(request), **known) as call:
            if asked.key is not None and (kept := self.sandbox.keys.kept(asked, call.now)) is not None:
                return kept
            stored_500 = fault is not None and fault.mode == "500-stored"
            answer, remembered = (None, True) if stored_500 and not _effective(fault) else self._run(call, asked)
            if answer is None or stored_500:
                answer = Answer.refusing(broken())
            if remembered:
                self.sandbox.keys.keep(asked, call, answer)
            return answer

    def _run(self, call: Call, asked: Asked) -> tuple[Answer, bool]:
        """The answer, and whether its idempotency key is to keep it."""
        try:
            with self.sandbox.store.attempt():
                document = asked.operation.run(call, *asked.identifiers)
                expand(self.sandbox.store, document, _paths(asked.tree))
        except Refusal as refusal:
            return Answer.refusing(refusal, asked.by_customer), refusal.remembered
        return Answer.of(document, asked.by_customer), True


def _effective(fault: Fault | None) -> bool:
    return fault is not None and fault.takes_effect


def _paths(tree: Tree) -> list[str]:
    """By now known to be a list: every operation has read its parameters."""
    given = tree.get("expand", {})
    return [path for path in given.values() if isinstance(path, str)] if isinstance(given, dict) else []


def _response(answer: Answer, request: Request, request_id: str) -> Response:
    headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("stripe-version", API_VERSION)}
    if key := request.headers.get("idempotency-key"):
        headers["Idempotency-Key"] = key
    return Response(answer.body, answer.status, {**headers, **answer.headers}, media_type="application/json")
