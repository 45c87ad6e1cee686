"""Identity as real processes on one database, and the gateway in front of them."""

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import LOCALHOST
from deploy.local.gateway import gateway_command, prepare_gateway
from deploy.local.home import ROOT, Home
from deploy.local.programs import MDH, answers
from deploy.local.state import PORTS, State
from shared.testing.servers import Process, free_ports

STAFF_PASSWORD = "olive-Gantry-58-sill"
READY = 60.0  # seconds


@dataclass
class Replicas:
    """`directory` has the signing keys, and gets the logs."""

    database_url: str
    directory: Path
    processes: list[Process]

    def start(self, **more: str) -> str:
        """One more; its address."""
        port = free_ports(1)[0]
        told = {
            "MDH_PROFILE": "test", "MDH_PORT": str(port), "MDH_DATABASE_URL": self.database_url,
            "MDH_SIGNING_KEYS_DIR": str(self.directory / "keys"), "PATH": "/usr/bin:/bin",
        }  # fmt: skip
        process = Process("identity", self.directory / f"identity-{port}.log")
        process.start([MDH, "serve", "identity", "--role", "api"], told | more, None)
        self.processes.append(process)
        process.wait_until(lambda: answers(port, "/health/ready"), READY)
        return f"http://{LOCALHOST}:{port}"

    def gateway(self, identity: str) -> str:
        """nginx in front of this replica; its address."""
        home = Home(self.directory / "gateway home")
        home.make()
        port = int(identity.rsplit(":", 1)[1])
        state = State(ports=dict.fromkeys((port for ports in PORTS.values() for port in ports), port))
        [state.ports["gateway"]] = free_ports(1)
        prepare_gateway(home, state)
        process = Process("gateway", home.log("gateway"))
        process.start(gateway_command(home), {"PATH": "/usr/bin"}, None)
        self.processes.append(process)
        process.wait_until(lambda: answers(state.ports["gateway"], "/health"), READY)
        return f"http://{LOCALHOST}:{state.ports['gateway']}"

    def make_staff(self, email: str) -> None:
        """An account that may log in at once."""
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "services.identity.admin", "create", "--email", email], cwd=ROOT, check=True,
            env={"MDH_DATABASE_URL": self.database_url, "MDH_STAFF_PASSWORD": STAFF_PASSWORD}, capture_output=True,
        )  # fmt: skip

    def stop(self) -> None:
        for process in self.processes:
            process.stop(signal.SIGTERM, timeout=20)
