"""One command at a time changes a system."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .home import Home
from .screen import say


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Waits for another terminal's command, saying so. The kernel lets go of the lock when its holder dies."""
    with (home / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"Another command is at work here (pid {file.read().strip() or 'unknown'}); waiting for it ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
