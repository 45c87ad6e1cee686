"""`up`: everything that is missing for a running system, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from .environment import gateway_url, mail_url, service_environment
from .gateway import prepare_gateway
from .home import Home
from .install import ensure_installed
from .keys import make_signing_key
from .lock import locked
from .programs import Program, programs_of
from .provisioning import provision_broker, provision_databases
from .readiness import all_ready, wait_ready
from .screen import say, step
from .seed import accounts, seed
from .servers import Servers, servers_of
from .state import State
from .status import summary
from .supervision import Supervision

SERVER_SECONDS = 60
SERVICE_SECONDS = 120
# What services cannot start without; gateway, mail and Stripe get ready meanwhile.
FOUNDATIONS = ("postgres", "epmd", "rabbitmq")


@dataclass
class System:
    """One home with its state, and what follows from them."""

    home: Home
    state: State
    servers: Servers
    programs: Sequence[Program]

    def named(self, *names: str) -> list[Program]:
        return [program for program in self.programs if program.name in names]


def up(home: Home, *, seed: bool = True) -> None:
    ensure_installed()
    home.make()
    with locked(home):
        supervision = Supervision(home)
        running = supervision.running()
        system = _plan(home, running)
        if all_ready(system.programs, running.__contains__):
            say(f"Everything runs already: {len(system.programs)} programs.")
        else:
            _bring_up(system, supervision, running)
        if seed:
            _seed(system)
        say(summary(system.state, system.programs, home))
        if system.state.seeded:
            say(accounts(system.state.secret("people")))


def _plan(home: Home, running: set[str]) -> System:
    """Ports and secrets are on disk before anything uses them."""
    state = State.load(home.state)
    state.secret("people")
    for name, (before, now) in state.choose_ports(running).items():
        say(f"Port {before} ({name}) is taken by another program; using {now} from now on.")
    servers = servers_of(home, state)
    programs = programs_of(home, state, servers)
    state.save(home.state)
    return System(home, state, servers, programs)


def _bring_up(system: System, supervision: Supervision, running: set[str]) -> None:
    say(f"Starting in {system.home.path}" if not running else f"Completing what runs in {system.home.path}")
    _prepare(system)
    supervision.apply(system.programs)
    supervision.start([program.name for program in system.programs if not program.service])
    passwords = system.state.passwords()
    wait_ready(system.home, system.named("postgres"), SERVER_SECONDS)
    provision_databases(system.servers, passwords)
    wait_ready(system.home, system.named("epmd", "rabbitmq"), SERVER_SECONDS)
    provision_broker(system.servers, passwords)
    supervision.start([program.name for program in system.programs if program.service])
    wait_ready(system.home, [p for p in system.programs if p.name not in FOUNDATIONS], SERVICE_SECONDS)


def _prepare(system: System) -> None:
    make_signing_key(system.home)
    if postgres := system.servers.postgres:
        with step("postgres data", "prepared"):
            postgres.prepare()
    if rabbitmq := system.servers.rabbitmq:
        rabbitmq.prepare()
    prepare_gateway(system.home, system.state)


def _seed(system: System) -> None:
    """Demo data, once."""
    if system.state.seeded:
        return
    identity = service_environment("identity", "api", system.home, system.state, system.servers)
    with step("demo data", "seeded"):
        seed(gateway_url(system.state), mail_url(system.state), identity, system.state.secret("people"))
    system.state.seeded = True
    system.state.save(system.home.state)
