"""Somebody with an account, talking to the gateway."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from .http import Unexpected, ask, came

JSON = dict[str, Any]
LINK = re.compile(r"[?]token=([A-Za-z0-9_-]+)")


def token_in(letter: JSON) -> str:
    """What the link in a mail carries."""
    found = LINK.search(letter["text"])
    if found is None:
        raise Unexpected(f"expected a link with a token in “{letter['subject']}”, came none")
    return found[1]


@dataclass
class Person:
    http: httpx.AsyncClient
    name: str
    email: str
    password: str = field(repr=False)
    token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    async def register(self, account: str) -> JSON:
        """`account` is customer or affiliate. The address is still to be verified."""
        told = {"account": account, "email": self.email, "password": self.password, "full_name": self.name}
        return await self.post("/identity/v1/register", told, expect=202)

    async def verify(self, letter: JSON) -> None:
        """With the link in the mail that asked for it, and the password."""
        proof = {"token": token_in(letter), "password": self.password}
        await self.ask("POST", "/identity/v1/email-verifications", json=proof, expect=204)

    async def log_in_or(self, register: Callable[[], Awaitable[None]]) -> None:
        """Logged in; whoever has no account yet gets one first."""
        try:
            await self.log_in()
        except Unexpected as refused:
            if not came(refused, 401):
                raise
            await register()
            await self.log_in()

    async def log_in(self) -> None:
        told = {"email": self.email, "password": self.password, "device": "demo"}
        self._keep(await self.post("/identity/v1/login", told, expect=200))

    async def refresh(self) -> None:
        """A new access token; it names what one has become since."""
        self._keep(await self.post("/identity/v1/refresh", {"refresh_token": self.refresh_token}, expect=200))

    async def me(self) -> JSON:
        return await self.get("/identity/v1/me")

    def _keep(self, tokens: JSON) -> None:
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    async def get(self, path: str, **params: Any) -> JSON:
        return (await self.ask("GET", path, params=params)).json()  # type: ignore[no-any-return]

    async def find(self, path: str, **params: Any) -> JSON | None:
        """None where there is nothing (yet), or nothing that is one's own."""
        try:
            return await self.get(path, **params)
        except Unexpected as missing:
            if came(missing, 404):
                return None
            raise

    async def post(self, path: str, body: JSON, *, expect: int = 201, headers: dict[str, str] | None = None) -> JSON:
        return (await self.ask("POST", path, json=body, expect=expect, headers=headers)).json()  # type: ignore[no-any-return]

    async def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any) -> Any:
        """The raw answer, an `httpx.Response`."""
        mine = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await ask(self.http, method, path, headers=mine | (headers or {}), **request)
