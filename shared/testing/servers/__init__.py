"""Private PostgreSQL and RabbitMQ servers, for tests and for the system on one machine.

Each server can be started here (`start`, `stop`) or by a process supervisor, which needs its `command`, `env` and
`user`. Both listen on 127.0.0.1 only, on ports that the caller chooses (`free_ports`), with data in a directory of
their own, and never touch a server that the machine runs already.

    postgres = Postgres(home / "postgres", port=ports[0], password=secret, durable=False)
    postgres.prepare()
    postgres.start()
    postgres.wait_ready(30)
    ...
    postgres.stop()
"""

from .binaries import MissingBinary
from .ports import free_ports, is_free
from .postgres import Postgres
from .process import Process, ServerFailed
from .rabbitmq import ADMIN, RabbitMQ, RabbitPorts

__all__ = [
    "ADMIN",
    "MissingBinary",
    "Postgres",
    "Process",
    "RabbitMQ",
    "RabbitPorts",
    "ServerFailed",
    "free_ports",
    "is_free",
]
