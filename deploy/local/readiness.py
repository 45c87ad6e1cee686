"""Waiting until programs are ready, and saying why one is not."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from .failure import CannotRun
from .home import Home
from .programs import Program
from .screen import done
from .supervision import Supervision

POLL = 0.05
TAIL = 15
STARTS = 3


def wait_ready(home: Home, programs: Sequence[Program], timeout: float) -> None:
    """One line for each as it gets ready. Gives up early on one that keeps ending."""
    started = time.monotonic()
    pending = {program.name: program for program in programs}
    pids: dict[str, set[int]] = defaultdict(set)
    while pending:
        for program in list(pending.values()):
            if program.is_ready():
                done(program.name, f"ready, {time.monotonic() - started:.1f} s")
                del pending[program.name]
        for name, info in Supervision(home).processes().items():
            pids[name].add(info["pid"])
            if name in pending and (info["statename"] == "FATAL" or len(pids[name] - {0}) > STARTS):
                raise _not_ready(home, name, info["spawnerr"] or "it keeps ending")
        if time.monotonic() - started > timeout:
            raise _not_ready(home, next(iter(pending)), f"{timeout:.0f} s have passed")
        time.sleep(POLL)


def _not_ready(home: Home, name: str, reason: str) -> CannotRun:
    return CannotRun(f"{name} did not get ready: {reason}. The end of {home.log(name)}:\n{tail(home, name)}")


def tail(home: Home, name: str) -> str:
    path = home.log(name)
    lines = path.read_text(errors="replace").splitlines()[-TAIL:] if path.exists() else []
    return "\n".join(f"    {line}" for line in lines)


def all_ready(programs: Sequence[Program], running: Callable[[str], bool]) -> bool:
    return all(running(program.name) and program.is_ready() for program in programs)
