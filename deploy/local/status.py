"""What runs, and where to look."""

from collections.abc import Sequence

from .home import Home
from .programs import Program, programs_of
from .servers import servers_of
from .state import State
from .supervision import Supervision

ROW = "{:<22} {:<10} {:>8} {:>10}  {}"


def status(home: Home) -> int:
    """A table; the exit code says whether everything runs."""
    if not home.state.exists():
        print(f"Nothing here yet ({home.path}). `make up` starts the system.")
        return 1
    state = State.load(home.state)
    known = Supervision(home).processes()
    programs = programs_of(home, state, servers_of(home, state))
    print(ROW.format("PROGRAM", "STATE", "PID", "UPTIME", "ADDRESS"))
    for program in programs:
        print(_row(program, known.get(program.name)))
    return 0 if all(known.get(p.name, {}).get("statename") == "RUNNING" for p in programs) else 1


def _row(program: Program, info: dict[str, object] | None) -> str:
    if info is None:
        return ROW.format(program.name, "stopped", "", "", "")
    state = str(info["statename"]).lower()
    pid, uptime, url = "", "", ""
    if info["pid"]:
        pid, uptime, url = str(info["pid"]), _duration(int(str(info["now"])) - int(str(info["start"]))), program.url
        state = "ready" if state == "running" and program.is_ready() else state
    return ROW.format(program.name, state, pid, uptime, url).rstrip()


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
