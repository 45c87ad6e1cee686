"""Waiting until programs are ready, and saying why one is not."""

import time
from collections.abc import Callable, Sequence

from .failure import CannotRun
from .home import Home
from .programs import Program
from .screen import done
from .supervision import Supervision

POLL = 0.05
TAIL = 15


def wait_ready(home: Home, programs: Sequence[Program], timeout: float) -> None:
    """One line for each as it gets ready. Gives up early on one that the supervisor has given up."""
    started = time.monotonic()
    pending = {program.name: program for program in programs}
    while pending:
        for program in list(pending.values()):
            if program.is_ready():
                done(program.name, f"ready, {time.monotonic() - started:.1f} s")
                del pending[program.name]
        _give_up(home, pending, expired=time.monotonic() - started > timeout)
        time.sleep(POLL)


def _give_up(home: Home, pending: dict[str, Program], *, expired: bool) -> None:
    known = Supervision(home).processes()
    for name in pending:
        info = known.get(name, {"statename": "UNKNOWN", "spawnerr": ""})
        if expired or info["statename"] in ("FATAL", "UNKNOWN"):
            reason = info["spawnerr"] or f"state {info['statename']}"
            raise CannotRun(f"{name} did not get ready ({reason}). The end of {home.log(name)}:\n{tail(home, name)}")


def tail(home: Home, name: str) -> str:
    path = home.log(name)
    lines = path.read_text(errors="replace").splitlines()[-TAIL:] if path.exists() else []
    return "\n".join(f"    {line}" for line in lines)


def all_ready(programs: Sequence[Program], running: Callable[[str], bool]) -> bool:
    return all(running(program.name) and program.is_ready() for program in programs)
