"""What runs, and where to look."""

from collections.abc import Sequence
from typing import Any

from .home import Home
from .programs import Program, programs_of
from .servers import servers_of
from .state import State
from .supervision import Supervision

READY = "ready"
ROW = "{:<22} {:<10} {:>8} {:>10}  {}"


def status(home: Home) -> int:
    """A table; the exit code says whether everything runs."""
    if not home.state.exists():
        print(f"Nothing here yet ({home.path}). `make up` starts the system.")
        return 1
    state = State.load(home.state)
    known = Supervision(home).processes()
    programs = programs_of(home, state, servers_of(home, state))
    rows = [_row(program, known.get(program.name)) for program in programs]
    for row in [("PROGRAM", "STATE", "PID", "UPTIME", "ADDRESS"), *rows]:
        print(ROW.format(*row).rstrip())
    return 0 if all(state == READY for _, state, *_ in rows) else 1


def _row(program: Program, info: dict[str, Any] | None) -> tuple[str, str, str, str, str]:
    if info is None or not info["pid"]:
        return program.name, info["statename"].lower() if info else "stopped", "", "", ""
    state = READY if program.is_ready() else info["statename"].lower()
    return program.name, state, str(info["pid"]), _duration(info["now"] - info["start"]), program.url


def _duration(seconds: int) -> str:
    minutes, seconds = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def summary(state: State, programs: Sequence[Program], home: Home) -> str:
    """Where to look, after `up`."""
    urls = {program.name: program.url for program in programs}
    lines = [
        ("gateway", f"{urls['gateway']}    e.g. {urls['gateway']}/catalog/v1/ ..."),
        ("mail", f"{urls['mail']}    every mail that the system sends"),
        ("stripe sandbox", f"{urls['stripe']}    payments, cards that fail, webhooks"),
        ("logs", f"{home.logs}    make logs name=booking-api"),
    ]
    if "rabbitmq" in urls:
        lines.insert(3, ("rabbitmq", f"{urls['rabbitmq']}    user mdh_admin, password {state.secret('rabbitmq')}"))
    return "\n" + "\n".join(f"  {name:<16} {text}" for name, text in lines) + "\n"
