"""Identity's public keys (RFC 7517), as every service needs them to verify a token."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import structlog

from shared.errors import Overloaded, Unauthenticated

log = structlog.get_logger()

ALGORITHM = "EdDSA"
MAX_KEYS = 65_536  # bytes of a key set
KEYS_TIMEOUT = 5.0  # seconds to read it


class KeySet:
    """Identity's public keys, cached. An unknown `kid` is looked up at most once in `pause` seconds; when identity is
    away or slow, the keys already known go on serving, and nobody who brings one waits."""

    def __init__(self, source: str | Path, *, pause: float = 10.0, max_age: float = 60.0) -> None:
        self._source, self._pause, self._max_age = source, pause, max_age
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked = self._fetched = float("-inf")
        self._lock = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def get(self, kid: str) -> jwt.PyJWK:
        """The key, or `Unauthenticated` if identity does not know it, or `Overloaded` if no key was ever had."""
        if kid not in self._keys:
            await self._refresh()
        elif time.monotonic() - self._fetched > self._max_age and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._refresh())
        if kid in self._keys:
            return self._keys[kid]
        if not self._keys:
            raise Overloaded
        raise Unauthenticated

    async def keep_fresh(self) -> None:
        """Runs until cancelled: what identity has taken away is forgotten, even while nobody brings a token."""
        while True:
            await self._refresh()
            await asyncio.sleep(self._max_age)

    async def _refresh(self) -> None:
        async with self._lock:
            if time.monotonic() - self._asked < (self._pause if self._keys else 1.0):
                return  # just asked, by this caller or the one before it in the queue
            self._asked = time.monotonic()
            try:
                async with asyncio.timeout(KEYS_TIMEOUT):
                    read = jwt.PyJWKSet.from_dict(await self._read()).keys
                usable = {k.key_id: k for k in read if k.key_id and k.algorithm_name == ALGORITHM}
                self._keys, self._fetched = usable or self._keys, time.monotonic()
            except Exception as error:  # whatever answers there, those who bring a known key are served
                log.warning("jwks.unavailable", source=str(self._source), error=repr(error))

    async def _read(self) -> dict[str, Any]:
        if isinstance(self._source, Path):
            return json.loads(self._source.read_text())  # type: ignore[no-any-return]
        body = bytearray()
        async with (
            httpx.AsyncClient(timeout=3, trust_env=False) as client,
            client.stream("GET", self._source) as answer,
        ):
            answer.raise_for_status()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_KEYS:
                    raise ValueError("too large for a key set")
        return json.loads(body)  # type: ignore[no-any-return]
