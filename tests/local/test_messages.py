"""What goes wrong outside is told in a sentence, without a traceback."""

import asyncio
from pathlib import Path

import pytest

from deploy.local.__main__ import main
from deploy.local.failure import CannotRun
from deploy.local.provisioning import provision_broker, provision_databases
from deploy.local.servers import Servers
from deploy.local.state import State
from shared.testing.servers import free_ports


@pytest.fixture
def nowhere() -> Servers:
    """Servers that do not answer."""
    (port,) = free_ports(1)
    return Servers(
        postgres=None, rabbitmq=None, admin_url=f"postgresql://a:b@127.0.0.1:{port}/postgres",
        amqp_host=f"127.0.0.1:{port}", management_url=f"http://127.0.0.1:{port}",
        management_user="a", management_password="b",
    )  # fmt: skip


async def test_a_database_server_that_is_away(nowhere: Servers) -> None:
    with pytest.raises(CannotRun, match=r"the databases could not be created: .*Connect call failed"):
        await asyncio.to_thread(provision_databases, nowhere, State().passwords())


async def test_a_broker_that_is_away(nowhere: Servers) -> None:
    with pytest.raises(CannotRun, match=f"the broker at {nowhere.management_url} could not be set up: "):
        await asyncio.to_thread(provision_broker, nowhere, State().passwords())


def test_a_home_with_a_file_in_its_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["--home", str(tmp_path / "file"), "up"]) == 1
    assert "a file is in the way" in capsys.readouterr().err
