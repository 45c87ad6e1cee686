"""The supervisor (supervisord) that keeps the programs running, and talking to it."""

import contextlib
import http.client
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import psutil

from .environment import clean_environment
from .failure import CannotRun
from .home import ROOT, Home
from .programs import Program

ALIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
COMMENT = re.compile(r"\s[;#]")
SETTINGS = """\
[supervisord]
logfile={home}/supervisord.log
logfile_maxbytes=10MB
logfile_backups=2
pidfile={home}/supervisord.pid
childlogdir={home}/logs
directory={root}
umask=077
{user}
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
# Killed programs come back at once. One that ends before it has settled is tried again after 1, 2, 3 ... seconds.
PROGRAM = """
[program:{name}]
command={command}
environment={environment}
directory={directory}
{user}autostart=false
autorestart=true
startsecs={settle}
startretries=15
stopsignal={signal}
stopwaitsecs={seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


def configuration(home: Home, programs: Iterable[Program]) -> str:
    as_root = "user=root\n" if os.geteuid() == 0 else ""
    head = SETTINGS.format(home=_plain(home.path), root=_plain(ROOT), socket=_plain(home.socket), user=as_root)
    return head + "".join(_program(home, program) for program in programs)


def _program(home: Home, program: Program) -> str:
    return PROGRAM.format(
        name=program.name,
        command=_plain(shlex.join(program.guarded)),
        environment=",".join(_assigned(name, value) for name, value in program.env.items()),
        directory="/" if program.user else _plain(ROOT),  # which another user may not be able to enter
        user=f"user={program.user}\n" if program.user else "",
        signal=program.stop_signal,
        seconds=program.stop_seconds,
        settle=5 if program.service else 1,
        log=_plain(_plain(home.log(program.name))),  # supervisord expands this one twice
    )


def _plain(value: object) -> str:
    """A percent sign starts an expansion there, and a comment cannot be escaped."""
    if COMMENT.search(str(value)):
        raise CannotRun(f"the supervisor cannot use {str(value)!r}: what follows the blank would be a comment")
    return str(value).replace("%", "%%")


def _assigned(name: str, value: str) -> str:
    """Quotes work there, but nothing escapes one. The value may be a secret, so a refusal does not show it."""
    quote = "'" if '"' in value else '"'
    if quote in value or value != value.strip("'\"") or not value.isprintable() or COMMENT.search(value):
        raise CannotRun(f"the value of {name} cannot be passed on: mixed or outer quotes, a line break, or ' #', ' ;'")
    return f"{name}={quote}{_plain(value)}{quote}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self._connection = host, _UnixConnection(self._path)
        return self._connection[1]


class Supervision:
    """Of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def alive(self) -> bool:
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def processes(self) -> dict[str, dict[str, Any]]:
        """What the supervisor knows of each program; nothing when it is not running."""
        if not self.alive():
            return {}
        return {info["name"]: info for info in cast(list[dict[str, Any]], self._call("getAllProcessInfo"))}

    def running(self) -> set[str]:
        return {name for name, info in self.processes().items() if info["statename"] in ALIVE}

    def apply(self, programs: Sequence[Program]) -> None:
        """Start the supervisor, or tell the one that runs what is new, and stop what has changed."""
        draft = self.home / "supervisord.draft"
        draft.touch(mode=0o600)
        draft.write_text(configuration(self.home, programs))
        draft.replace(self.home.supervisor_config)
        if self.alive():
            self._reread()
        else:
            self._launch()

    def start(self, names: Iterable[str]) -> None:
        """Those that do not run yet; the supervisor keeps them running from now on."""
        running = self.running()
        for name in names:
            if name not in running:
                self._call("startProcess", name, False)

    def stop(self, names: Iterable[str]) -> None:
        """All at once, each asked first and killed when its time is over; waits until they are gone."""
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault):
                self._call("stopProcess", name, False)
        remaining = set(names)
        _wait(lambda: not (remaining & self.running()), 60, "the programs did not stop")

    def shut_down(self) -> None:
        """The supervisor itself. One that does not answer any more is stopped by its pid, if that pid is still it."""
        process = self.process()
        if self.alive():
            self._call("shutdown")
        elif process:
            process.send_signal(signal.SIGTERM)
        if process:
            try:
                process.wait(60)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(10)
        self.home.socket.unlink(missing_ok=True)

    def process(self) -> psutil.Process | None:
        """The supervisor that the pid file names, unless that pid is somebody else's by now."""
        try:
            found = psutil.Process(int(self.home.supervisor_pid.read_text()))
            return found if str(self.home.supervisor_config) in found.cmdline() else None
        except (OSError, ValueError, psutil.Error):
            return None

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = _UnixTransport(str(self.home.socket))
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _launch(self) -> None:
        if self.process():
            self.shut_down()
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.home.supervisor_config)]
        result = subprocess.run(  # noqa: S603
            command, env=clean_environment(), capture_output=True, text=True, check=False, start_new_session=True
        )
        if result.returncode != 0:
            raise CannotRun(f"the supervisor did not start:\n{result.stderr.strip() or result.stdout.strip()}")
        _wait(self.alive, 15, f"the supervisor does not answer; see {self.home / 'supervisord.log'}")

    def _reread(self) -> None:
        [[added, changed, removed]] = self._call("reloadConfig")
        self.stop([*changed, *removed])
        for name in (*changed, *removed):
            self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("addProcessGroup", name)


def _wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CannotRun(otherwise)
        time.sleep(0.05)
