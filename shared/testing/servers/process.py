"""A server as a child process: started in a session of its own, stopped by its pid, never by its name."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

POLL = 0.02


class ServerFailed(Exception):
    """A server did not start; the message ends with the last lines of its log."""


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether the condition held within the time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


class Process:
    """Exactly one process and what it started."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self, command: Sequence[str], env: Mapping[str, str], user: str | None) -> None:
        """The child is killed with us when we are killed, so that an aborted test run leaves nothing behind."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        setpriv = shutil.which("setpriv")
        guarded = [setpriv, "--pdeathsig", "KILL", *command] if setpriv else command
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603
                guarded, env=dict(env), user=user, group=_group_of(user), extra_groups=[] if user else None, cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def stop(self, ask: signal.Signals, timeout: float) -> None:
        """Asks, waits, then kills the whole process group."""
        if self._popen is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(ask)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._popen = None

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Gives up as soon as the process has ended."""
        if not wait_until(lambda: ready() or (self._popen is not None and not self.running), timeout) or not ready():
            raise ServerFailed(f"{self.name} is not ready after {timeout:.0f} s\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd  # not on every platform; only root gets here

    return pwd.getpwnam(user).pw_gid
