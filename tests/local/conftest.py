"""A whole system of the runner's: the servers are real, the seven services are stood in for."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import programs, state, up
from deploy.local.__main__ import main
from deploy.local.home import Home

FAKE = Path(__file__).with_name("fake_mdh.py")
Run = Callable[..., int]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the runner calls and somebody else provides. Its own tests do without databases' content."""
    mdh = tmp_path_factory.mktemp("bin") / "mdh"
    mdh.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
    mdh.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "MDH", str(mdh))
        patch.setattr(up, "provision_databases", lambda *_: None)
        patch.setattr(up, "provision_broker", lambda *_: None)
        patch.setitem(state.PREFERRED, "gateway", 0)
        yield


@pytest.fixture(scope="module")
def home(stand_ins: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("runner") / "home")
    yield made
    assert main(["--home", str(made.path), "reset"]) == 0


@pytest.fixture(scope="module")
def run(home: Home) -> Run:
    def run(*arguments: str) -> int:
        return main(["--home", str(home.path), *arguments])

    return run
