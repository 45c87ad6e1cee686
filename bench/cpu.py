"""CPU time of every process of a system, from /proc: its programs with all that they started.

PostgreSQL's is told apart by database, so that what a request costs can be seen beside what follows from it.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping

import psutil

from deploy.local.home import Home
from deploy.local.supervision import Supervision
from shared.testing.servers import ADMIN

BACKEND = re.compile(r"^postgres: (\w+) (mdh_\w+) ")
OUTSIDE = ("mail", "stripe")  # stand in for the world outside
Milliseconds = Mapping[str, float]


class Meter:
    def __init__(self, home: Home) -> None:
        self._home = home

    def read(self) -> Counter[str]:
        """Milliseconds spent so far, by program."""
        spent: Counter[str] = Counter()
        for name, info in Supervision(self._home).processes().items():
            if info["pid"] and name not in OUTSIDE:
                for process in _family(info["pid"]):
                    _add(spent, name, process)
        return spent

    @contextlib.contextmanager
    def measuring(self) -> Iterator[Counter[str]]:
        """What is spent meanwhile; filled in at the end."""
        spent, before = Counter[str](), self.read()
        try:
            yield spent
        finally:
            spent.update(self.read())
            spent.subtract(before)


def _family(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _add(spent: Counter[str], program: str, process: psutil.Process) -> None:
    """Children that have ended are in their parent's account."""
    with contextlib.suppress(psutil.NoSuchProcess):
        backend = BACKEND.match(" ".join(process.cmdline())) if program == "postgres" else None
        if backend and backend[1] == ADMIN:
            return  # the bench itself, counting
        times = process.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        spent[f"postgres {backend[2]}" if backend else program] += total * 1000  # type: ignore[assignment]
