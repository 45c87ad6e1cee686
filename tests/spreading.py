"""How `make test` spreads the tests over processes; docs/decisions/0027-tests-in-several-processes.md says why."""

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
# They share one running system, and wait for it while others compute: one process has them all, and begins with them.
TOGETHER = TESTS / "journeys"


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """A file's tests stay together, because they share fixtures; the names of tests stay what they are."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """What is given to a process as a whole: a file, or all journeys."""
    file = nodeid.partition("::")[0]
    return TOGETHER.name if (TESTS.parent / file).is_relative_to(TOGETHER) else file


def journeys_first(items: list[pytest.Item]) -> None:
    """The longest unit must not be the last to begin. The order is that of a run in one process too."""
    items.sort(key=lambda item: not item.path.is_relative_to(TOGETHER))
