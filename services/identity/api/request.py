"""What a request brings with it, and what is at hand to serve it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.db import ReadSession
from shared.problems import MEDIA_TYPE, PROBLEM_SCHEMA

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


TELLING = {
    "RateLimit-Limit": "attempts of this allowance",
    "RateLimit-Remaining": "of them left",
    "RateLimit-Reset": "seconds until there are all of them again",
    "Retry-After": "seconds until one can try again",
}
TOO_MANY = {
    "description": "Too many attempts",
    "headers": {name: {"description": told, "schema": {"type": "integer"}} for name, told in TELLING.items()},
    "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
}


def declare_limits(routers: Sequence[APIRouter]) -> None:
    """Say in the document, of every route that spends an allowance, that it may be used up."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and _spends(route.dependant):
                route.responses[429] = TOO_MANY


def _spends(dependant: Dependant) -> bool:
    return dependant.call is _limits or any(_spends(each) for each in dependant.dependencies)


CurrentClient = Annotated[Client, Depends(_client)]
Hashing = Annotated[Passwords, Depends(_passwords)]
CurrentLimits = Annotated[Limits, Depends(_limits)]
Issuing = Annotated[AccessTokens, Depends(_access_tokens)]
SigningInAt = Annotated[Providers, Depends(_providers)]
Sealing = Annotated[Vault, Depends(_vault)]


def _verifier(reading: ReadSession, limits: CurrentLimits, passwords: Hashing, vault: Sealing) -> Verifier:
    return Verifier(reading, limits, passwords, vault)


Verifying = Annotated[Verifier, Depends(_verifier)]
