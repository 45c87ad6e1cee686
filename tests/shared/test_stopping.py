"""How a process ends, and that it never goes on as half of one."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from shared import app as app_module
from shared import stopping
from shared.stopping import finish


async def test_what_was_begun_is_finished_before_the_cancellation_goes_on() -> None:
    began, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        began.set()
        await go_on.wait()
        done.append(1)

    task = asyncio.create_task(finish(work()))
    await began.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]


async def test_what_takes_too_long_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "GRACE", 0.01)
    broken_off: list[int] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            broken_off.append(1)

    task = asyncio.create_task(finish(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert broken_off == [1]


def test_all_of_it_fits_into_what_a_supervisor_waits() -> None:
    assert stopping.REQUESTS + stopping.GRACE < 20
    assert stopping.REQUESTS_ALONE < 20


@pytest.fixture
def terminated() -> Iterator[list[int]]:
    """Signals that this process sent to itself."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, before)


async def fails() -> None:
    raise RuntimeError


async def returns() -> None:
    pass


async def is_cancelled_by_a_library() -> None:
    raise asyncio.CancelledError


async def goes_on() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("background", [fails, returns, is_cancelled_by_a_library])
async def test_background_work_that_ends_by_itself_ends_the_process(terminated: list[int], background: object) -> None:
    task = asyncio.create_task(background())  # type: ignore[operator]
    task.add_done_callback(app_module._must_not_end)
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert terminated == [signal.SIGTERM]


async def test_background_work_that_we_stop_does_not(terminated: list[int]) -> None:
    task = asyncio.create_task(goes_on())
    task.add_done_callback(app_module._must_not_end)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert terminated == []
