"""What the tests of several services share: the whole system, started when the first test asks for it."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from deploy.local.home import Home
from services.identity import passwords
from shared.cli.main import app
from shared.db import Database

from .running import RunningSystem, bring_up, run
from .spreading import ByFile, journeys_first

CHAOS = Path(__file__).parent / "chaos"
STRONG = passwords.NOBODYS


def pytest_configure() -> None:
    """A shell's background job ignores SIGINT, and so would what tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Chaos takes minutes: it is collected when it is named (`pytest tests/chaos`), and only then."""
    named = any(Path(argument.partition("::")[0]).resolve().is_relative_to(CHAOS) for argument in config.args)
    return True if collection_path == CHAOS and not named else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    journeys_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is read now stays until the end: nobody looks for garbage in it, neither meanwhile nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def weak_passwords() -> Iterator[None]:
    """A hash takes 20 ms, as it should, but not a thousand times. `strong_passwords` is for the tests about them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", lambda **_: PasswordHasher(1, 64, 1))
        patch.setattr(passwords, "NOBODYS", STRONG.replace("m=19456,t=2", "m=64,t=1"))
        yield


@pytest.fixture
def strong_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters of the product: to be asked for with `usefixtures`, before the app is made."""
    monkeypatch.setattr(passwords, "PasswordHasher", PasswordHasher)
    monkeypatch.setattr(passwords, "NOBODYS", STRONG)


@pytest.fixture(scope="session")
def system(run_directory: Path) -> Iterator[RunningSystem]:
    home = Home(run_directory / "system")
    try:
        bring_up(home)
        yield RunningSystem(home)
    finally:
        run(home, "down")


@pytest.fixture
def mdh(fresh_database: Database) -> Callable[..., Awaitable[tuple[int, str]]]:
    """The operator's command on the service's database: its exit code and all that it said.

    In a thread, because it runs an event loop of its own.
    """

    async def run(*arguments: str) -> tuple[int, str]:
        runner = CliRunner(env={"MDH_DATABASE_URL": fresh_database.url, "COLUMNS": "200"})
        result = await asyncio.to_thread(runner.invoke, app, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run
