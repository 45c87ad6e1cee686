"""`up`, `status`, `down`, `reset` on real servers. The tests share one system and leave it running for the next."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.local.__main__ import main
from deploy.local.environment import gateway_url
from deploy.local.home import ROOT, Home
from deploy.local.state import PORTS, State
from deploy.local.supervision import Supervision
from shared.testing.servers import is_free

from .conftest import Run
from .waiting import until

Output = pytest.CaptureFixture[str]


@pytest.fixture
def running(run: Run, capsys: Output) -> str:
    """Everything runs; what `up` said about it."""
    assert run("up", "--no-seed") == 0
    return capsys.readouterr().out


def pids(home: Home) -> dict[str, int]:
    return {name: int(info["pid"]) for name, info in Supervision(home).processes().items()}


def all_pids(home: Home) -> list[psutil.Process]:
    supervisor = Supervision(home).process()
    assert supervisor
    return [supervisor, *supervisor.children(recursive=True)]


def test_up_starts_everything_and_says_where(running: str, home: Home) -> None:
    state = State.load(home.state)
    assert set(pids(home)) == set(PORTS)
    for port in ("gateway", "mail", "stripe", "management"):
        assert f"http://127.0.0.1:{state.ports[port]}" in running
    assert str(home.logs) in running
    answer = httpx.get(f"{gateway_url(state)}/booking/v1/x", trust_env=False).json()
    assert (answer["service"], answer["path"]) == ("booking", "/booking/v1/x")


def test_services_are_told_what_they_need_and_nothing_else(running: str, home: Home) -> None:
    state = State.load(home.state)
    told = httpx.get(f"{gateway_url(state)}/payments/v1/x", trust_env=False).json()["environment"]
    secrets = {name: value for name, value in state.secrets.items() if value in str(told)}
    assert set(secrets) == {"payments.app", "payments.amqp", "stripe.api_key", "stripe.webhook"}
    database = f"payments:{state.secrets['payments.app']}@127.0.0.1:{state.ports['postgres']}/mdh_payments"
    assert told["MDH_DATABASE_URL"] == f"postgresql+asyncpg://{database}"
    assert "PYTEST_CURRENT_TEST" not in told


def test_a_second_up_changes_nothing(running: str, run: Run, home: Home, capsys: Output) -> None:
    before = pids(home)
    assert run("up", "--no-seed") == 0
    assert f"Everything runs already: {len(PORTS)} programs." in capsys.readouterr().out
    assert pids(home) == before


def test_status_tells_each_program_and_whether_all_is_well(running: str, run: Run, home: Home, capsys: Output) -> None:
    assert run("status") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert {row[0]: row[1] for row in rows} == dict.fromkeys(PORTS, "ready")
    assert {row[0]: int(row[2]) for row in rows} == pids(home)
    Supervision(home).stop(["mail"])
    assert run("status") == 1
    assert "mail                   stopped" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["postgres", "rabbitmq", "gateway", "mail", "stripe", "booking-api", "booking-worker"])
def test_whatever_is_killed_comes_back_by_itself(running: str, home: Home, run: Run, name: str) -> None:
    before = pids(home)
    os.kill(before[name], signal.SIGKILL)
    until(lambda: pids(home)[name] not in (0, before[name]), seconds=10)
    until(lambda: run("status") == 0, seconds=30)
    assert {other: pid for other, pid in pids(home).items() if other != name}.items() <= before.items()


def test_up_completes_what_is_half_there(running: str, run: Run, home: Home, capsys: Output) -> None:
    before = pids(home)
    Supervision(home).stop(["stripe", "booking-api"])
    assert run("up", "--no-seed") == 0
    assert "Completing what runs" in capsys.readouterr().out
    after = pids(home)
    assert {name for name in after if after[name] != before[name]} == {"stripe", "booking-api"}


def test_up_after_the_supervisor_was_killed(running: str, run: Run, home: Home) -> None:
    family = all_pids(home)
    family[0].kill()
    until(lambda: not any(process.is_running() for process in family))
    assert run("status") == 1
    assert run("up", "--no-seed") == 0
    assert run("status") == 0


def test_a_port_that_was_taken_meanwhile_is_replaced(running: str, run: Run, home: Home, capsys: Output) -> None:
    assert run("down") == 0
    before = State.load(home.state).ports
    with socket.create_server(("127.0.0.1", before["gateway"])):
        assert run("up", "--no-seed") == 0
        assert f"Port {before['gateway']} (gateway) is taken by another program" in capsys.readouterr().out
        after = State.load(home.state).ports
        assert {name for name in after if after[name] != before[name]} == {"gateway"}
        assert httpx.get(f"http://127.0.0.1:{after['gateway']}/health", trust_env=False).status_code == 200
        told = httpx.get(f"http://127.0.0.1:{after['booking-api']}/", trust_env=False).json()["environment"]
        assert told["MDH_PUBLIC_URL"] == f"http://127.0.0.1:{after['gateway']}"


def test_a_second_terminal_waits_for_the_first(running: str, home: Home) -> None:
    with (home / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "deploy.local", "--home", str(home.path), "down"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as second:  # noqa: S603
            try:
                assert second.stdout
                assert "Another command is at work here" in second.stdout.readline()
                assert Supervision(home).alive()
                second.send_signal(signal.SIGINT)
                assert second.wait(60) == 130
            finally:
                second.kill()
    assert Supervision(home).alive()


def test_logs_are_there_for_each_program(running: str, run: Run, home: Home, capsys: Output) -> None:
    assert {path.stem for path in home.logs.glob("*.log")} == set(PORTS)
    assert run("logs", "nobody") == 1
    assert "booking-api" in capsys.readouterr().err


def test_what_is_secret_is_for_its_owner_only(running: str, home: Home) -> None:
    secrets = State.load(home.state).secrets.values()
    for path in home.path.rglob("*"):
        if not path.is_file() or path.is_symlink() or path.stat().st_size > 1_000_000:
            continue
        holds = any(secret.encode() in path.read_bytes() for secret in secrets)
        barred = any(parent.stat().st_mode & 0o077 == 0 for parent in path.parents if home.path in parent.parents)
        assert not holds or barred or path.stat().st_mode & 0o077 == 0, path


def test_down_stops_all_of_ours_and_keeps_the_data(running: str, run: Run, home: Home, capsys: Output) -> None:
    family = all_pids(home)
    state = State.load(home.state)
    assert len(family) > len(PORTS)
    assert run("down") == 0
    assert not [process for process in family if process.is_running()]
    assert all(is_free(port) for port in state.ports.values())
    assert (home / "postgres" / "data" / "PG_VERSION").exists()
    assert State.load(home.state) == state
    capsys.readouterr()
    assert run("down") == 0
    assert "Nothing runs" in capsys.readouterr().out


def refused(capsys: Output, *arguments: str) -> str:
    assert main([*arguments]) == 1
    message = capsys.readouterr().err
    assert "Traceback" not in message
    return message


def test_reset_deletes_nothing_that_is_not_ours(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "does not look like a home" in refused(capsys, "--home", str(tmp_path), "reset")
    assert (tmp_path / "thesis.txt").exists()


def test_commands_without_a_system_say_so(tmp_path: Path, capsys: Output) -> None:
    home = str(tmp_path / "none")
    assert main(["--home", home, "status"]) == 1
    assert main(["--home", home, "down"]) == 0
    assert main(["--home", home, "reset"]) == 0
    assert capsys.readouterr().out.count("Nothing") == 3
    assert "no logs" in refused(capsys, "--home", home, "logs")
    assert not Path(home).exists()


def test_a_home_that_cannot_be_written_is_a_message(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "home"))

    monkeypatch.setattr(Path, "mkdir", full)
    assert "the disk is full" in refused(capsys, "--home", str(tmp_path / "home"), "up")


def test_a_foreign_broker_needs_its_management_too(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MDH_AMQP_ADMIN_URL", "amqp://a:b@broker.example/mdh")
    assert "MDH_MANAGEMENT_URL is needed" in refused(capsys, "--home", str(tmp_path / "home"), "up")
