"""`python -m bench`: bring a system up, measure it, take it down. Numbers go to standard output, as they come."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from deploy.local.install import ensure_installed

from . import bookings, events, logins, reads, search, slots
from .data import arrange
from .system import System, a_system
from .table import Table, machine

Measure = Callable[..., Awaitable[list[Table]]]
MEASUREMENTS: dict[str, Measure] = {
    "bookings": bookings.measure, "slots": slots.measure, "events": events.measure, "reads": reads.measure,
    "logins": logins.measure, "search": search.measure,
}  # fmt: skip


def main() -> None:
    chosen = _parser().parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the system is taken down then too
    ensure_installed()
    print(f"{machine()}\n{' '.join(['python -m bench', *sys.argv[1:]])}; all over loopback", flush=True)
    with a_system() as system:
        print(f"system up after {time.monotonic() - began:.0f} s\n", flush=True)
        asyncio.run(_measure(system, chosen.only or list(MEASUREMENTS), quick=chosen.quick))
    print(f"{machine()}; {time.monotonic() - began:.0f} s in all")


async def _measure(system: System, names: Sequence[str], *, quick: bool) -> None:
    try:
        await system.rest()
        await arrange(system)
        for name in names:
            for table in await MEASUREMENTS[name](system, quick=quick):
                print(f"{table}\n", flush=True)
    finally:
        await system.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="one of them; may be given again")
    parser.add_argument("--quick", action="store_true", help="a fifth of the work: to see that it runs")
    return parser


if __name__ == "__main__":
    main()
