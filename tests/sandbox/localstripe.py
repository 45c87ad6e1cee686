"""localstripe, another server that speaks some of Stripe's API: a program of its own, in an environment of its own.

Installed into `.tools/localstripe` the first time, from what `localstripe.lock` pins; from then on nothing is fetched.
Its licence (GPL) is why it is never imported, and among nobody's requirements.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from deploy.local.home import ROOT
from shared.testing.servers import Process, free_ports

LOCK = Path(__file__).with_name("localstripe.lock")
PLACE = ROOT / ".tools" / "localstripe"
STARTS_WITHIN_SECONDS = 60


def installed() -> Path:
    """Its environment's Python."""
    python, stamp = PLACE / "bin" / "python", PLACE / ".installed"
    wanted = hashlib.sha256(LOCK.read_bytes() + str(PLACE).encode()).hexdigest()
    PLACE.parent.mkdir(exist_ok=True)
    with (PLACE.parent / "localstripe.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted and python.exists()):
            _install(python)
            stamp.write_text(wanted)
    return python


def _install(python: Path) -> None:
    uv = shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
    _run(uv, "venv", "-q", "--clear", "--python", sys.executable, str(PLACE))
    _run(uv, "pip", "sync", "-q", "--python", str(python), "--require-hashes", str(LOCK))


def _run(*command: str) -> None:
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    assert outcome.returncode == 0, f"localstripe could not be installed:\n{outcome.stderr}"


class Localstripe:
    def __init__(self, directory: Path) -> None:
        self.python = installed()
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process("localstripe", directory / "localstripe.log")

    def start(self) -> None:
        command = [str(self.python), "-m", "localstripe", "--port", str(self.port), "--from-scratch"]
        self.process.start(command, {"PATH": os.environ["PATH"]}, user=None)
        self.process.wait_until(self._listens, STARTS_WITHIN_SECONDS)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def tells(self, url: str, secret: str) -> None:
        hook = {"url": url, "secret": secret}
        httpx.post(f"{self.url}/_config/webhooks/suite", json=hook).raise_for_status()

    def stop(self) -> None:
        self.process.stop(signal.SIGTERM, timeout=10)
