"""What is shown of the walk: a line for each step, with the time that it took."""

import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..screen import say
from .http import Unexpected, until
from .options import PATIENCE

T = TypeVar("T")

DID, WAITED, FAILED = ("32", "✓"), ("36", "…"), ("31", "✗")
WIDTH = 36


class Report:
    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience, self.steps, self.began = patience, 0, time.monotonic()
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def section(self, title: str) -> None:
        say(f"\n{self._in('1', title)}")

    async def step(self, what: str, doing: Awaitable[T], tell: Callable[[T], str] = lambda _: "") -> T:
        """Something that somebody does, and that is done when it is answered."""
        return await self._timed(DID, what, doing, tell)

    async def wait(self, what: str, look: Callable[[], Awaitable[T | None]], tell: Callable[[T], str] = str) -> T:
        """Something that services do on their own: looked at until it is there."""
        return await self._timed(WAITED, what, until(what, look, self.patience), tell)

    async def _timed(self, mark: tuple[str, str], what: str, doing: Awaitable[T], tell: Callable[[T], str]) -> T:
        started = time.monotonic()
        self.steps += 1
        try:
            answer = await doing
        except Unexpected as error:
            self._line(FAILED, started, what, str(error))
            raise
        self._line(mark, started, what, tell(answer))
        return answer

    def _line(self, mark: tuple[str, str], started: float, what: str, detail: str) -> None:
        took = f"{(time.monotonic() - started) * 1000:>8,.0f} ms"
        say(f"  {self._in(*mark)} {took}  {what:<{WIDTH}} {self._in('2', detail)}".rstrip())

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured and text else text

    def done(self) -> None:
        took = time.monotonic() - self.began
        say(f"\n{self._in('32', 'It works')}: {self.steps} steps in {took:.1f} s (✓ done when answered, … waited for).")
