"""What a request brings with it, and what is at hand to serve it."""

from typing import Annotated

from fastapi import Depends, Request

from ..commands.sessions import Client
from ..keys import AccessTokens
from ..passwords import Passwords


def _passwords(request: Request) -> Passwords:
    return request.app.state.passwords  # type: ignore[no-any-return]


def _access_tokens(request: Request) -> AccessTokens:
    return request.app.state.access_tokens  # type: ignore[no-any-return]


def _client(request: Request) -> Client:
    agent = request.headers.get("user-agent", "")[:200]
    return Client(agent if agent.isprintable() else None, request.client.host if request.client else None)


CurrentClient = Annotated[Client, Depends(_client)]
Hashing = Annotated[Passwords, Depends(_passwords)]
Issuing = Annotated[AccessTokens, Depends(_access_tokens)]
