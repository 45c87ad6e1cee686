"""What is printed: one line for each number, and what it was measured with."""

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Table:
    """Lines of a measurement: what, how much, and what else there is to say."""

    title: str
    conditions: str = ""
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def line(self, what: str, value: str, note: str = "") -> None:
        self.lines.append((what, value, note))

    def __str__(self) -> str:
        width = max(len(what) for what, *_ in self.lines)
        rows = [f"  {what:<{width}}  {value:>12}  {note}".rstrip() for what, value, note in self.lines]
        return "\n".join([self.title, *([f"  ({self.conditions})"] if self.conditions else []), *rows])


def split(spent: Mapping[str, float], n: int, least: float = 0.05) -> str:
    """Milliseconds each, by program, the largest first."""
    each = sorted(((total / n, name) for name, total in spent.items()), reverse=True)
    return ", ".join(f"{name} {ms:.2f}" for ms, name in each if ms >= least)


def machine() -> str:
    """How fast and how quiet it is: a load of more than one per core means that others were at work, and the yardstick
    (CPU time of a fixed piece of Python) grows with that, as every CPU time here does."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    system = f"{platform.platform(terse=True)}, Python {platform.python_version()}, {cores} cores"
    return f"{system}, load {load}, yardstick {_yardstick():.0f} ms"


def _yardstick() -> float:
    began = time.process_time()
    sum(number * number for number in range(1_000_000))
    return (time.process_time() - began) * 1000
