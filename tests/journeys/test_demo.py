"""The main path, as `make demo` walks it."""

import asyncio

from ..running import PATIENCE, RunningSystem, run


async def test_the_demo_can_be_run_again_and_again(system: RunningSystem) -> None:
    for _ in range(2):
        shown = await asyncio.to_thread(run, system.home, "demo", "--patience", str(PATIENCE), within=900)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert "It works" in shown.stdout


async def test_a_demo_that_fails_says_what_was_expected_and_what_came(system: RunningSystem) -> None:
    site = system.site
    not_a_gateway = ["--gateway", site.mail, "--mail", site.mail, "--stripe", site.stripe]
    shown = await asyncio.to_thread(run, system.home, "demo", *not_a_gateway, MDH_ADMIN_PASSWORD="-")
    assert shown.returncode == 1
    assert "The demo failed. POST /identity/v1/register: expected 202, came 404" in shown.stderr
