"""What the person at the terminal sees."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 22


def say(text: str = "") -> None:
    """At once, also into a pipe."""
    print(text, flush=True)


def done(what: str, detail: str) -> None:
    say(f"  {what:<{WIDTH}} {detail}")


@contextmanager
def step(what: str, detail: str = "ready") -> Iterator[None]:
    """One line when it is done, with the time that it took."""
    started = time.monotonic()
    yield
    done(what, f"{detail}, {time.monotonic() - started:.1f} s")
