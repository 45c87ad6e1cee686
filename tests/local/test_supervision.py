"""The supervisor, with small programs of the tests' own."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deploy.local.failure import CannotRun
from deploy.local.home import Home
from deploy.local.programs import BEHIND, Program
from deploy.local.readiness import wait_ready
from deploy.local.supervision import Supervision

from .waiting import until

IDLE = "import signal; signal.pause()"
TELL = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]), flush=True); " + IDLE


def idle(name: str, code: str = IDLE, *arguments: str, **env: str) -> Program:
    return Program(name, [sys.executable, "-c", code, *arguments], env, stop_seconds=3)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "a home, 100% ours")
    made.make()
    yield made
    supervision = Supervision(made)
    supervision.stop(supervision.running())
    supervision.shut_down()


@pytest.fixture
def supervision(home: Home) -> Supervision:
    return Supervision(home)


def pid_of(supervision: Supervision, name: str) -> int:
    info = supervision.processes()[name]
    return int(info["pid"]) if info["statename"] == "RUNNING" else 0


def test_commands_and_environments_arrive_as_they_are(home: Home, supervision: Supervision) -> None:
    odd = [
        "plain",
        "with space",
        'a "quote" x',
        "it's",
        "",
        "100%",
        "%(here)s",
        "$HOME",
        "back\\slash",
        "a,b=c",
    ]
    env = {f"ODD_{number}": text for number, text in enumerate(odd)}
    supervision.apply([idle("odd", TELL, *odd, **env)])
    supervision.start(["odd"])
    until(lambda: home.log("odd").exists() and home.log("odd").read_text().endswith("\n"))
    arguments, seen = json.loads(home.log("odd").read_text())
    assert arguments == odd
    assert {name: seen[name] for name in env} == env


@pytest.mark.parametrize("value", ["both ' and \"", "'outer'", '"outer', "two\nlines", "a ; b", "a #b"])
def test_what_cannot_be_passed_on_is_refused_by_its_name(supervision: Supervision, value: str) -> None:
    with pytest.raises(CannotRun, match="MDH_ODD") as refusal:
        supervision.apply([idle("odd", MDH_ODD=value)])
    assert value not in str(refusal.value)


def test_a_home_that_the_supervisor_would_misread_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "number #1")
    home.make()
    with pytest.raises(CannotRun, match="number #1"):
        Supervision(home).apply([idle("one")])


def test_the_terminals_environment_does_not_get_in(
    home: Home, supervision: Supervision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_NODENAME", "somebody-elses")
    monkeypatch.setenv("MDH_DATABASE_URL", "somebody-elses")
    supervision.apply([idle("one", TELL)])
    supervision.start(["one"])
    until(lambda: home.log("one").exists() and home.log("one").read_text().endswith("\n"))
    assert "somebody-elses" not in home.log("one").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs programs as somebody else")
def test_another_user_need_not_reach_the_clone(
    supervision: Supervision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    barred = tmp_path / "barred"
    barred.mkdir(mode=0o700)
    monkeypatch.setattr("deploy.local.supervision.ROOT", barred)
    supervision.apply([Program("pause", ["/bin/sleep", "1000"], user="nobody"), idle("ours")])
    supervision.start(["pause", "ours"])
    until(lambda: pid_of(supervision, "pause") and pid_of(supervision, "ours"))
    assert psutil.Process(pid_of(supervision, "pause")).username() == "nobody"
    assert psutil.Process(pid_of(supervision, "ours")).cwd() == str(barred)


def test_a_killed_program_comes_back(supervision: Supervision) -> None:
    supervision.apply([idle("one")])
    supervision.start(["one"])
    until(lambda: pid_of(supervision, "one"))
    before = pid_of(supervision, "one")
    os.kill(before, signal.SIGKILL)
    until(lambda: pid_of(supervision, "one") not in (0, before), seconds=5)


def test_a_killed_supervisor_leaves_nothing_behind_and_starts_again(supervision: Supervision) -> None:
    supervision.apply([idle("one")])
    supervision.start(["one"])
    until(lambda: pid_of(supervision, "one"))
    program, supervisor = psutil.Process(pid_of(supervision, "one")), supervision.process()
    assert supervisor
    supervisor.kill()
    until(lambda: not program.is_running())
    assert supervision.processes() == {}
    supervision.apply([idle("one")])
    supervision.start(["one"])
    until(lambda: pid_of(supervision, "one"))


def test_only_what_changed_is_restarted(supervision: Supervision) -> None:
    supervision.apply([idle("same"), idle("changed"), idle("gone")])
    supervision.start(["same", "changed", "gone"])
    until(lambda: all(pid_of(supervision, name) for name in ("same", "changed", "gone")))
    before = {name: pid_of(supervision, name) for name in ("same", "changed")}
    supervision.apply([idle("same"), idle("changed", A="1"), idle("new")])
    supervision.start(["same", "changed", "new"])
    until(lambda: all(pid_of(supervision, name) for name in ("same", "changed", "new")))
    assert set(supervision.processes()) == {"same", "changed", "new"}
    assert pid_of(supervision, "same") == before["same"]
    assert pid_of(supervision, "changed") != before["changed"]


def test_a_program_that_will_not_stop_is_killed(supervision: Supervision) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
    supervision.apply([idle("deaf", f"{deaf}; [signal.pause() for _ in iter(int, 1)]")])
    supervision.start(["deaf"])
    until(lambda: supervision.home.log("deaf").exists() and supervision.home.log("deaf").read_text())
    process = psutil.Process(int(supervision.processes()["deaf"]["pid"]))
    supervision.stop(["deaf"])
    assert not process.is_running()


def test_a_pid_file_that_names_somebody_else_stops_nobody(supervision: Supervision) -> None:
    supervision.home.supervisor_pid.write_text(str(os.getpid()))
    assert supervision.process() is None
    supervision.shut_down()


def test_waiting_ends_early_with_the_log_of_a_program_that_keeps_ending(home: Home, supervision: Supervision) -> None:
    program = idle("broken", "raise SystemExit('the reason is here')")
    supervision.apply([program])
    supervision.start(["broken"])
    with pytest.raises(CannotRun, match=r"(?s)broken did not get ready.*the reason is here"):
        wait_ready(home, [program], timeout=60)


def test_waiting_has_an_end(home: Home, supervision: Supervision) -> None:
    program = idle("mute")
    supervision.apply([program])
    supervision.start(["mute"])
    with pytest.raises(CannotRun, match="mute did not get ready: 0 s have passed"):
        wait_ready(home, [program], timeout=0.2)


def test_a_deep_home_has_its_socket_elsewhere(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("d" * 80) / ("e" * 80))
    assert len(str(deep.socket)) < 90
    assert Home(tmp_path).socket.parent == tmp_path
    assert deep.socket != Home(tmp_path / ("d" * 80) / ("f" * 80)).socket


def test_what_follows_up_waits_for_what_answers_people(supervision: Supervision) -> None:
    first, second = idle("api"), replace(idle("worker"), waits=True)
    supervision.apply([first, second])
    supervision.start(["api", "worker"])
    until(lambda: pid_of(supervision, "api") and pid_of(supervision, "worker"))
    ours = os.nice(0)
    ranks = [psutil.Process(pid_of(supervision, name)).nice() for name in ("api", "worker")]
    assert ranks == [ours, min(ours + BEHIND, 19)]
