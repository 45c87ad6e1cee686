"""The private servers, for real: where they listen, whom they let in, and that nothing of them stays behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import asyncpg
import httpx
import psutil
import pytest

from shared.testing.servers import Postgres, RabbitMQ, RabbitPorts, ServerFailed, free_ports, private_directory

from .waiting import until

SECRET = "the-secret"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def postgres(directory: Path) -> Iterator[Postgres]:
    server = Postgres(directory / "postgres", free_ports(1)[0], SECRET, durable=False)
    server.prepare()
    server.start()
    server.wait_ready()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(scope="module")
def rabbitmq(directory: Path) -> Iterator[RabbitMQ]:
    server = RabbitMQ(directory / "rabbitmq", RabbitPorts.of(free_ports(5)), SECRET, durable=False)
    server.prepare()
    server.start()
    server.wait_ready()
    yield server
    server.stop()


def family_of(pid: int | None) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def listening(pid: int | None) -> set[tuple[str, int]]:
    found = psutil.Process(pid).net_connections("inet")
    return {(c.laddr.ip, c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN}


async def test_postgres_lets_in_who_knows_the_password(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    assert await connection.fetchval("select current_setting('fsync')") == "off"
    assert await connection.fetchval("select rolpassword from pg_authid where rolname = 'mdh_admin'") > "SCRAM-SHA-256"
    await connection.close()
    for host in ("127.0.0.1", str(postgres.place)):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=host, port=postgres.port, user="mdh_admin", password="wrong", database="postgres"
            )


def test_postgres_listens_on_this_machine_only(postgres: Postgres) -> None:
    assert listening(postgres.process.pid) == {("127.0.0.1", postgres.port)}


@as_root
def test_postgres_started_by_root_is_not_root(postgres: Postgres) -> None:
    process = psutil.Process(postgres.process.pid)
    assert 0 not in (*process.uids(), *process.gids())
    assert postgres.place.stat().st_uid == process.uids().real
    assert postgres.place.stat().st_mode & 0o777 == 0o700


async def test_rabbitmq_lets_in_who_knows_the_password(rabbitmq: RabbitMQ) -> None:
    connection = await aio_pika.connect(rabbitmq.amqp_admin_url)
    await connection.close()
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
        await aio_pika.connect(rabbitmq.amqp_admin_url.replace(SECRET, "wrong"))


async def test_rabbitmq_has_the_vhost_and_both_plugins(rabbitmq: RabbitMQ) -> None:
    async with httpx.AsyncClient(auth=(rabbitmq.admin, SECRET), trust_env=False) as client:
        vhosts = (await client.get(f"{rabbitmq.management_url}/api/vhosts")).json()
        metrics = await client.get(f"http://127.0.0.1:{rabbitmq.ports.prometheus}/metrics")
    assert [vhost["name"] for vhost in vhosts] == ["mdh"]
    assert "rabbitmq_connections" in metrics.text


def test_rabbitmq_listens_on_this_machine_only(rabbitmq: RabbitMQ) -> None:
    ports = rabbitmq.ports
    own = {ports.amqp, ports.management, ports.prometheus, ports.distribution}
    assert listening(rabbitmq.process.pid) == {("127.0.0.1", port) for port in own}
    assert {ip for ip, _ in listening(rabbitmq.epmd.process.pid)} <= {"127.0.0.1", "::1"}


def test_two_nodes_live_side_by_side(rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    other = RabbitMQ(tmp_path / "other", RabbitPorts.of(free_ports(5)), "another", durable=False)
    other.prepare()
    other.start()
    try:
        other.wait_ready()
        assert rabbitmq.is_ready()
    finally:
        other.stop()
    assert rabbitmq.is_ready()


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "postgres", free_ports(1)[0], SECRET, durable=False)
    postgres.prepare()
    postgres.start()
    postgres.wait_ready()
    family = family_of(postgres.process.pid)
    assert len(family) > 3
    postgres.stop()
    until(lambda: not any(process.is_running() for process in family), seconds=5)
    postgres.remove()
    assert not postgres.place.exists()


async def test_durable_data_survive_a_stop_and_other_ports(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", free_ports(1)[0], SECRET)
    for statement in ("create database kept", "select 1 from pg_database where datname = 'kept'"):
        server.prepare()
        server.start()
        server.wait_ready()
        connection = await asyncpg.connect(server.admin_url)
        result = await connection.fetchval(statement)
        await connection.close()
        server.stop()
        server = Postgres(tmp_path / "postgres", free_ports(1)[0], SECRET)
    assert result == 1
    server.remove()


async def test_a_durable_queue_survives_a_kill_and_other_ports(tmp_path: Path) -> None:
    first = RabbitMQ(tmp_path, RabbitPorts.of(free_ports(5)), SECRET)
    first.prepare()
    first.start()
    first.wait_ready()
    async with await aio_pika.connect(first.amqp_admin_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, queue.name)
    # RabbitMQ notes a new quorum queue lazily: one that is killed within a second of the declaration is lost.
    until(lambda: any(b"kept" in file.read_bytes() for file in tmp_path.glob("mnesia/*/quorum/*/names.dets")))
    first.process.stop(signal.SIGKILL, timeout=5)
    first.epmd.stop()
    second = RabbitMQ(tmp_path, RabbitPorts.of(free_ports(5)), SECRET)
    second.prepare()
    second.start()
    try:
        second.wait_ready()
        async with await aio_pika.connect(second.amqp_admin_url) as connection:
            channel = await connection.channel()
            kept = await (await channel.get_queue("kept")).get(timeout=10)
            assert kept.body == b"kept"
    finally:
        second.stop()


def test_servers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    """An aborted test run leaves nothing behind."""
    code = (
        "import sys; from pathlib import Path; from shared.testing.servers import *\n"
        "server = Postgres(Path(sys.argv[1]), free_ports(1)[0], 'x', durable=False)\n"
        "server.prepare(); server.start(); server.wait_ready(); print(server.process.pid, flush=True); input()"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code, str(tmp_path / "pg")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        family = family_of(int(parent.stdout.readline()))
        parent.kill()
    until(lambda: not any(process.is_running() for process in family), seconds=10)
    private_directory.remove(tmp_path / "pg" / "data")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = Postgres(tmp_path / "pg", other.getsockname()[1], SECRET, durable=False)
        server.prepare()
        server.start()
        with pytest.raises(ServerFailed, match="could not bind IPv4 address"):
            server.wait_ready(timeout=20)
    server.stop()
    server.remove()


def test_an_interrupted_initdb_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Postgres(tmp_path / "pg", free_ports(1)[0], SECRET, durable=False)
    made = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "pg_wal":
            raise KeyboardInterrupt
        return made(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", interrupted)
        server.prepare()
    assert not (server.place / "password").exists()
    server.prepare()
    server.start()
    try:
        server.wait_ready()
    finally:
        server.stop()
        server.remove()


@as_root
def test_data_go_elsewhere_when_the_users_way_is_barred(tmp_path: Path) -> None:
    barred = tmp_path / "barred"
    barred.mkdir(mode=0o700)
    asked = barred / "postgres" / "data"
    asked.parent.mkdir()
    private_directory.make(asked, "nobody")
    place = asked.resolve()
    assert place.parent == private_directory.ELSEWHERE
    assert private_directory.place_of(asked, "nobody") == place
    (place / "file").touch()
    private_directory.remove(asked)
    assert not place.exists()
    assert not asked.is_symlink()


@as_root
def test_somebody_elses_directory_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    barred = tmp_path / "barred"
    barred.mkdir(mode=0o700)
    monkeypatch.setattr(private_directory, "ELSEWHERE", tmp_path)
    place = private_directory.place_of(barred / "data", "nobody")
    place.mkdir()
    os.chown(place, 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to somebody else"):
        private_directory.make(barred / "data", "nobody")
