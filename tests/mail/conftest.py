from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .process import Catcher


@pytest.fixture(scope="session")
async def shared_catcher(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Catcher]:
    async with Catcher(tmp_path_factory.mktemp("mail")) as catcher:
        yield catcher


@pytest.fixture
async def catcher(shared_catcher: Catcher) -> Catcher:
    """An empty, well-behaved catcher."""
    await shared_catcher.http.delete("/api/mails")
    await shared_catcher.http.delete("/api/script")
    return shared_catcher


@pytest.fixture
async def own_catcher(tmp_path: Path) -> AsyncIterator[Catcher]:
    """A catcher of the test's own, to be killed."""
    async with Catcher(tmp_path) as catcher:
        yield catcher
