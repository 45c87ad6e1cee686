"""What a request brings with it, and what is at hand to serve it."""

from typing import Annotated

from fastapi import Depends, Request

from shared.db import ReadSession

from ..clients import Providers
from ..commands.second_factor import Verifier
from ..commands.sessions import Client
from ..domain.limits import plain_address
from ..keys import AccessTokens
from ..limits import Limits
from ..passwords import Passwords
from ..vault import Vault


def _passwords(request: Request) -> Passwords:
    return request.app.state.passwords  # type: ignore[no-any-return]


def _access_tokens(request: Request) -> AccessTokens:
    return request.app.state.access_tokens  # type: ignore[no-any-return]


def _vault(request: Request) -> Vault:
    return request.app.state.vault  # type: ignore[no-any-return]


def _providers(request: Request) -> Providers:
    return request.app.state.providers  # type: ignore[no-any-return]


def _client(request: Request) -> Client:
    agent = request.headers.get("user-agent", "")[:200]
    return Client(agent if agent.isprintable() else None, _address(request))


def _address(request: Request) -> str | None:
    """The client's own, if MDH_TRUSTED_PROXIES names what is between it and us."""
    return plain_address(request.client.host if request.client else None)


def _limits(request: Request, reading: ReadSession) -> Limits:
    return Limits(reading, request, _address(request), request.app.state.settings.limits_times)


CurrentClient = Annotated[Client, Depends(_client)]
Hashing = Annotated[Passwords, Depends(_passwords)]
CurrentLimits = Annotated[Limits, Depends(_limits)]
Issuing = Annotated[AccessTokens, Depends(_access_tokens)]
SigningInAt = Annotated[Providers, Depends(_providers)]
Sealing = Annotated[Vault, Depends(_vault)]


def _verifier(reading: ReadSession, limits: CurrentLimits, passwords: Hashing, vault: Sealing) -> Verifier:
    return Verifier(reading, limits, passwords, vault)


Verifying = Annotated[Verifier, Depends(_verifier)]
