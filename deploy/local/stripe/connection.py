"""A connection that a request may cut without an answer, which uvicorn by itself does not offer."""

from collections.abc import Callable

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class CuttableProtocol(HttpToolsProtocol):
    """Hands each request the means to cut its connection, for the faults that lose an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["cut"] = self.transport.abort


def cut(request: Request) -> None:
    """Close the connection at once; whatever is answered afterwards goes nowhere."""
    abort: Callable[[], None] = request.state.cut
    abort()
