"""Argon2id, off the event loop, a few at a time: a storm of logins slows logins, not the service."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import Overloaded

from .domain.password import plain

MEMORY = 19_456  # KiB
MAX_WAITING = 100  # with 20 ms a hash that is about two seconds of work


# Of no password: with the parameters of every hash here, 16 bytes of salt and 32 of hash, so it takes as long as any.
NOBODYS = f"$argon2id$v=19$m={MEMORY},t=2,p=1${'A' * 22}${'A' * 43}"


class Passwords:
    """`at_once`: hashes computed side by side, each with a thread and 19 MiB of its own."""

    def __init__(self, at_once: int) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY, parallelism=1)
        self._places = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        return await self._in_turn(password, None)

    async def match(self, password: str, known: str | None) -> bool:
        """Whether this is the password of that hash. None takes as long as any, and never matches."""
        try:
            await self._in_turn(password, known or NOBODYS)
        except (VerificationError, InvalidHashError):
            return False
        return known is not None

    async def renewed(self, password: str, known: str) -> str | None:
        """The password's hash with the parameters of today, if it was made with others."""
        return await self.hash(password) if self._hasher.check_needs_rehash(known) else None

    async def _in_turn(self, password: str, known: str | None) -> str:
        """`Overloaded` rather than a queue without end."""
        if self._waiting >= MAX_WAITING:
            raise Overloaded
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(self._compute, plain(password), known)
        finally:
            self._waiting -= 1

    def _compute(self, password: str, known: str | None) -> str:
        if known is None:
            return self._hasher.hash(password)
        self._hasher.verify(known, password)
        return known
