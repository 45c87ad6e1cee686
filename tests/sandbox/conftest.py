from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .driver import Driver
from .process import SandboxProcess
from .receiver import Receiver

HERE = Path(__file__).parent
# The official library hands httpx its form in a way that httpx is about to drop.
LIBRARYS_WARNING = "ignore:Use 'content=<...>':DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(LIBRARYS_WARNING))


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """Where the shared sandbox sends its webhooks."""
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


@pytest.fixture(scope="session")
async def shared_sandbox(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> AsyncIterator[Driver]:
    async with SandboxProcess(tmp_path_factory.mktemp("sandbox"), receiver.url) as process:
        driver = Driver(process.url)
        yield driver
        await driver.close()


@pytest.fixture
async def sandbox(shared_sandbox: Driver, receiver: Receiver) -> AsyncIterator[Driver]:
    """The sandbox that most tests share, put back afterwards into its well-behaved state."""
    yield shared_sandbox
    receiver.answers.clear()
    await shared_sandbox.control("DELETE", "faults")
    await shared_sandbox.control("PUT", "clock", offset_seconds=0)
    await shared_sandbox.control("PUT", "webhooks")
    await shared_sandbox.control("POST", "webhooks/release", gap_seconds=0)


@pytest.fixture
async def own_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


@pytest.fixture
async def own_process(tmp_path: Path, own_receiver: Receiver) -> AsyncIterator[SandboxProcess]:
    """A sandbox of the test's own, to be killed."""
    async with SandboxProcess(tmp_path, own_receiver.url) as process:
        yield process


@pytest.fixture
async def own_sandbox(own_process: SandboxProcess) -> AsyncIterator[Driver]:
    driver = Driver(own_process.url)
    yield driver
    await driver.close()
