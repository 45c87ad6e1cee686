import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import state as states
from deploy.local.failure import CannotRun
from deploy.local.state import PORTS, State
from shared.testing.servers import free_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_every_program_gets_ports_of_its_own() -> None:
    state = State()
    assert state.choose_ports(running=set()) == {}
    assert set(state.ports) == {name for names in PORTS.values() for name in names}
    assert len(set(state.ports.values())) == len(state.ports)


def test_ports_stay_the_same_while_they_are_free(tmp_path: Path) -> None:
    state = State()
    state.choose_ports(running=set())
    state.save(tmp_path / "state.json")
    again = State.load(tmp_path / "state.json")
    assert again.choose_ports(running=set()) == {}
    assert again.ports == state.ports


def test_a_port_that_somebody_took_is_given_up(taken: int) -> None:
    state = State()
    state.choose_ports(running=set())
    before = state.ports | {"booking-api": taken}
    state.ports = dict(before)
    moved = state.choose_ports(running=set())
    assert moved == {"booking-api": (taken, state.ports["booking-api"])}
    assert state.ports["booking-api"] not in before.values()
    assert {name: port for name, port in state.ports.items() if name != "booking-api"}.items() <= before.items()


def test_a_port_that_our_own_program_has_is_kept(taken: int) -> None:
    state = State()
    state.choose_ports(running=set())
    state.ports["booking-api"] = taken
    assert state.choose_ports(running={"booking-api"}) == {}
    assert state.ports["booking-api"] == taken


def test_the_gateway_has_its_preferred_port_unless_it_is_taken(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    (free,) = free_ports(1)
    monkeypatch.setitem(states.PREFERRED, "gateway", free)
    first = State()
    first.choose_ports(running=set())
    assert first.ports["gateway"] == free
    monkeypatch.setitem(states.PREFERRED, "gateway", taken)
    second = State()
    assert second.choose_ports(running=set()) == {}
    assert second.ports["gateway"] != taken


def test_secrets_are_made_once_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state = State()
    made = state.secret("stripe.api_key", "sk_test_")
    passwords = state.passwords()
    state.save(path)
    again = State.load(path)
    assert again.secret("stripe.api_key", "sk_test_") == made
    assert made.startswith("sk_test_")
    assert again.passwords() == passwords
    assert path.stat().st_mode & 0o777 == 0o600
    everything = [str(secret) for each in passwords.values() for secret in each.values()]
    assert len(set(everything)) == 3 * 7
    assert min(map(len, everything)) >= 32


def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"ports": ')
    with pytest.raises(CannotRun, match=r"state\.json is damaged.*make reset"):
        State.load(tmp_path / "state.json")


def test_a_failed_save_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    State(secrets={"a": "b"}).save(path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match="No space"):
        State().save(path)
    assert State.load(path).secrets == {"a": "b"}
