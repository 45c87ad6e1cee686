"""`python -m deploy.compose.test`: the system in containers, built, brought up, used through its gateway, taken down.

It is a project of its own, with its own ports, secrets and volumes: what runs on this machine is not touched.
`--keep` leaves it running, to look at it.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from shared.testing.servers import free_ports

from . import smoke
from .project import ROOT, CannotRun, CommandFailed, Project, require_docker
from .secrets import complete_environment, make_signing_key

READY_SECONDS = 300
DEMO_PATIENCE = 120
ADMIN = "admin@example.com"
FAILURES = (CommandFailed, AssertionError, httpx.HTTPError)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.compose.test", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running")
    keep = parser.parse_args().keep
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        require_docker()
    except CannotRun as reason:
        print(f"Cannot test the containers: {reason}", file=sys.stderr)
        return 1
    directory = Path(tempfile.mkdtemp(prefix="mdh-compose-"))
    project = _project(directory)
    try:
        return _tested(project)
    finally:
        if keep:
            print(f"Left running: docker compose -p {project.name} --env-file {project.env_file} ps")
        else:
            project.down()
            shutil.rmtree(directory)


def _project(directory: Path) -> Project:
    complete_environment(directory / ".env")
    make_signing_key(directory / ".secrets" / "keys")
    ports = zip(("MDH_GATEWAY_PORT", "MDH_MAIL_PORT", "MDH_STRIPE_PORT"), map(str, free_ports(3)), strict=True)
    inside = {"MDH_INSIDE": f"10.{secrets.randbelow(100) + 100}.{secrets.randbelow(256)}"}  # beside another system's
    own = dict(ports) | inside | {"MDH_SIGNING_KEYS": str(directory / ".secrets" / "keys"), "MDH_VERSION": "test"}
    return Project(f"mdh-test-{secrets.token_hex(3)}", directory / ".env", os.environ | own)


def _tested(project: Project) -> int:
    try:
        with _step("built, started, healthy"):
            project.up(READY_SECONDS)
        addresses = {
            "gateway": project.address("gateway", 8080),
            "mail": project.address("mail", 8000),
            "stripe": project.address("stripe", 8000),
        }
        _smoke(project, addresses["gateway"], addresses["mail"])
        _demo(project, addresses)
    except FAILURES as failure:
        print(f"\nFAILED: {failure}", file=sys.stderr)
        _explain(project)
        return 1
    print("\nThe system in containers works.")
    return 0


def _smoke(project: Project, gateway: str, mail: str) -> None:
    with httpx.Client(base_url=gateway, timeout=30, trust_env=False) as client:
        with _step("every service answers through the gateway"):
            smoke.check_all_services_answer(client)
        with _step("an account registers, is verified by mail, logs in, is known to another service"):
            smoke.check_account(client, mail)
        with _step("a service goes away and comes back"):
            smoke.check_one_service_may_be_away(project, client)


def _demo(project: Project, addresses: Mapping[str, str]) -> None:
    password = secrets.token_urlsafe(18)
    with _step("an administrator"):
        project.output(
            "exec", "-T", "identity-api", "python", "-m", "services.identity.admin", "create", "--email", ADMIN,
            told=password,
        )  # fmt: skip
    options = [part for name, url in addresses.items() for part in (f"--{name}", url)]
    command = [sys.executable, "-m", "deploy.local", "demo", *options, "--admin-email", ADMIN]
    environment = project.environment | {"MDH_ADMIN_PASSWORD": password}
    with _step("the demo"):
        finished = subprocess.run(  # noqa: S603
            [*command, "--patience", str(DEMO_PATIENCE)], cwd=ROOT, env=environment, check=False
        )
        if finished.returncode != 0:
            raise CommandFailed("the demo failed")


def _explain(project: Project) -> None:
    """The logs of what is in trouble; of everything, shorter, when nothing looks like it."""
    try:
        troubled = project.troubled()
        print(f"In trouble: {', '.join(troubled) or 'nothing'}", file=sys.stderr)
        print(project.logs(troubled, 60 if troubled else 15), file=sys.stderr)
    except CommandFailed as failure:
        print(failure, file=sys.stderr)


@contextmanager
def _step(name: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"... {name}", flush=True)
    yield
    print(f"ok  {name} ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
