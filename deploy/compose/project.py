"""One run of docker-compose.yml: its containers, networks and volumes under a name of their own."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class CannotRun(Exception):
    """There is no Docker to run it with; the message says what is missing."""


class CommandFailed(Exception):
    """Docker said no; the message is its last words."""


@dataclass(frozen=True)
class Project:
    name: str
    env_file: Path
    environment: dict[str, str]

    def up(self, seconds: int) -> None:
        """Built, started, and every health check passed."""
        self.run("up", "--build", "--detach", "--wait", "--wait-timeout", str(seconds), "--quiet-pull")

    def down(self) -> None:
        self.run("down", "--volumes", "--remove-orphans", "--timeout", "10")

    def address(self, service: str, port: int) -> str:
        """Where a container's port is reached from this machine."""
        return f"http://{self.output('port', service, str(port)).strip()}"

    def troubled(self) -> list[str]:
        """Services with a container that is neither healthy nor done."""
        containers = [json.loads(line) for line in self.output("ps", "--all", "--format", "json").splitlines()]
        return sorted({container["Service"] for container in containers if not _well(container)})

    def logs(self, services: Sequence[str], lines: int) -> str:
        return self.output("logs", "--no-color", "--tail", str(lines), *services)

    def run(self, *arguments: str) -> None:
        """With its output on this terminal."""
        if subprocess.run(self._command(arguments), cwd=ROOT, env=self.environment, check=False).returncode != 0:  # noqa: S603
            raise CommandFailed(f"docker compose {' '.join(arguments)} failed")

    def output(self, *arguments: str, told: str = "") -> str:
        """What it says, having been told this on its standard input."""
        result = subprocess.run(  # noqa: S603
            self._command(arguments), cwd=ROOT, env=self.environment, input=told, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if result.returncode != 0:
            raise CommandFailed(result.stderr.strip())
        return result.stdout

    def _command(self, arguments: Sequence[str]) -> list[str]:
        project = ["--project-name", self.name, "--env-file", str(self.env_file), "--ansi", "never"]
        return ["docker", "compose", *project, *arguments]


def _well(container: Mapping[str, Any]) -> bool:
    if container["State"] == "exited":
        return bool(container["ExitCode"] == 0)
    return bool(container["State"] == "running" and container["Health"] in ("healthy", ""))


def require_docker() -> None:
    """An engine that answers, and the compose plugin."""
    for command, otherwise in (
        (("docker", "info"), "no Docker engine answers: start one, or set DOCKER_HOST"),
        (("docker", "compose", "version"), "Docker has no compose plugin (version 2): install docker-compose-plugin"),
    ):
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=30)  # noqa: S603
        except FileNotFoundError:
            raise CannotRun("there is no `docker` command; without containers the system runs with `make up`") from None
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise CannotRun(otherwise) from None
