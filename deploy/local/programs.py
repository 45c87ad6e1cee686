"""The processes of the system: what is run, as whom, and how each says that it is ready."""

import functools
import http.client
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.provision import SERVICES

from .environment import LOCALHOST, mail_environment, service_environment, stripe_environment
from .gateway import gateway_command
from .home import Home
from .servers import Servers
from .state import State

PYTHON = sys.executable
MDH = str(Path(sys.executable).parent / "mdh")
BEHIND = 19  # of 19 steps of niceness: there are more programs that wait than cores, and each takes its share


def never() -> bool:
    return False


@dataclass(frozen=True)
class Program:
    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 25
    url: str = ""
    is_ready: Callable[[], bool] = never
    service: bool = False
    waits: bool = False

    @property
    def guarded(self) -> Sequence[str]:
        """Killed with the supervisor, so that a crash of the supervisor leaves nothing that holds on to its ports."""
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", "KILL", *self._ranked] if setpriv else self._ranked

    @property
    def _ranked(self) -> Sequence[str]:
        """What follows up waits for what answers people: it gets what they leave, a hundredth if they leave none."""
        nice = shutil.which("nice")
        return [nice, "-n", str(BEHIND), *self.command] if nice and self.waits else self.command


def answers(port: int, path: str) -> bool:
    """Whether HTTP there says 200."""
    connection = http.client.HTTPConnection(LOCALHOST, port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def programs_of(home: Home, state: State, servers: Servers) -> list[Program]:
    """In the order in which they start."""
    services = [_service(s, role, home, state, servers) for s in SERVICES for role in ("api", "worker")]
    return [*_postgres(servers), *_rabbitmq(servers), *_infrastructure(home, state), *services]


def _postgres(servers: Servers) -> list[Program]:
    postgres = servers.postgres
    if postgres is None:
        return []
    url = f"postgresql://{LOCALHOST}:{postgres.port}"
    return [
        Program(
            "postgres", postgres.command, postgres.env, postgres.user, "INT", url=url, is_ready=postgres.is_ready
        )
    ]  # fmt: skip


def _rabbitmq(servers: Servers) -> list[Program]:
    rabbitmq = servers.rabbitmq
    if rabbitmq is None:
        return []
    epmd = rabbitmq.epmd
    return [
        Program("epmd", epmd.command, epmd.env, is_ready=epmd.is_ready),
        Program("rabbitmq", rabbitmq.command, rabbitmq.env, url=rabbitmq.management_url, is_ready=rabbitmq.is_ready),
    ]


def _infrastructure(home: Home, state: State) -> list[Program]:
    gateway, mail, stripe = (_at(state.ports[name]) for name in ("gateway", "mail", "stripe"))
    return [
        Program(
            "gateway", gateway_command(home), stop_signal="QUIT", url=gateway, is_ready=_health(state, "gateway")
        ),
        Program(
            "mail", [PYTHON, "-m", "deploy.local.mail"], mail_environment(home, state),
            url=mail, is_ready=_health(state, "mail"),
        ),
        Program(
            "stripe", [PYTHON, "-m", "deploy.local.stripe"], stripe_environment(home, state),
            url=stripe, is_ready=_health(state, "stripe"),
        ),
    ]  # fmt: skip


def _service(service: str, role: str, home: Home, state: State, servers: Servers) -> Program:
    name = f"{service}-{role}"
    return Program(
        name, [MDH, "serve", service, "--role", role], service_environment(service, role, home, state, servers),
        url=_at(state.ports[name]), is_ready=_health(state, name, "/health/ready"), service=True,
        waits=role == "worker",
    )  # fmt: skip


def _at(port: int) -> str:
    return f"http://{LOCALHOST}:{port}"


def _health(state: State, port: str, path: str = "/health") -> Callable[[], bool]:
    return functools.partial(answers, state.ports[port], path)
