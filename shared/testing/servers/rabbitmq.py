"""A private RabbitMQ node with an epmd of its own."""

import base64
import http.client
import secrets
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from . import binaries, erlang
from .ports import is_free
from .process import Process

ADMIN = "mdh_admin"
VHOST = "mdh"
NODE = "mdh@localhost"
PLUGINS = ("rabbitmq_management", "rabbitmq_prometheus")
# Measured on 2 cores: letting idle schedulers spin for a moment instead of sleeping takes a third off the boot. On
# SIGTERM queues are closed within milliseconds, then the management plugin hangs until the time-out ends it.
ERLANG_ARGUMENTS = (
    "+S 2:2 +sbwt short +sbwtdio short +sbwtdcpu short "
    "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} -kernel shutdown_timeout 2000"
)


@dataclass(frozen=True)
class RabbitPorts:
    amqp: int
    management: int
    prometheus: int
    distribution: int
    epmd: int

    @classmethod
    def of(cls, ports: list[int]) -> Self:
        return cls(*ports)


class Epmd:
    """Erlang's port mapper, in the foreground, so that its pid is known and it ends with its node."""

    user = None

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.process = Process("epmd", log)

    @property
    def command(self) -> list[str]:
        return [str(binaries.find("epmd", "erlang-base")), "-port", str(self.port), "-address", "127.0.0.1"]

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": binaries.SYSTEM_PATH, "ERL_EPMD_PORT": str(self.port)}

    def start(self) -> None:
        self.process.start(self.command, self.env, None)

    def is_ready(self) -> bool:
        return not is_free(self.port)

    def stop(self) -> None:
        self.process.stop(signal.SIGKILL, timeout=5)


@dataclass
class RabbitMQ:
    """Everything that it writes is in `home`; it runs as whoever we are.

    The node's name does not depend on its ports, because its data are filed under it.
    """

    home: Path
    ports: RabbitPorts
    password: str
    durable: bool = True
    process: Process = field(init=False)
    epmd: Epmd = field(init=False)

    user = None
    admin = ADMIN

    def __post_init__(self) -> None:
        self.script = binaries.rabbitmq_server()
        self.process = Process("rabbitmq", self.home / "rabbitmq.log")
        self.epmd = Epmd(self.ports.epmd, self.home / "epmd.log")

    @property
    def command(self) -> list[str]:
        return [str(self.script)]

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": binaries.search_path(),
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_PORT": str(self.ports.amqp),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_MNESIA_BASE": str(self.home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.home / "rabbitmq-env.conf"),
            "RABBITMQ_PID_FILE": str(self.home / "rabbitmq.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_ARGUMENTS,
            # The script then becomes the node instead of its parent: a signal reaches it, and nothing outlives it.
            "RUNNING_UNDER_SYSTEMD": "true",
        } | erlang.narrow(self.home / "programs", self.script)

    @property
    def amqp_admin_url(self) -> str:
        return f"amqp://{ADMIN}:{self.password}@127.0.0.1:{self.ports.amqp}/{VHOST}"

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.management}"

    def prepare(self) -> None:
        """Write the configuration; the ports may have changed since the last time."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in ("mnesia", "log"):
            (self.home / directory).mkdir(parents=True, exist_ok=True)
        (self.home / "rabbitmq.config").write_text(self._config())
        (self.home / "rabbitmq-env.conf").touch()
        (self.home / "enabled_plugins").write_text(f"[{','.join(PLUGINS)}].\n")
        erlang.link_programs(self.home / "programs", self.script, ("rabbit", *PLUGINS))
        cookie = self.home / ".erlang.cookie"
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(secrets.token_hex(20))

    def start(self) -> None:
        self.epmd.start()
        self.process.start(self.command, self.env, None)

    def stop(self) -> None:
        """A node that keeps its data is asked (about 3 s), another one is killed."""
        self.process.stop(signal.SIGTERM if self.durable else signal.SIGKILL, timeout=20)
        self.epmd.stop()

    def wait_ready(self, timeout: float = 60) -> None:
        self.process.wait_until(self.is_ready, timeout)

    def is_ready(self) -> bool:
        """Whether the node that knows our password says that it takes AMQP connections."""
        token = base64.b64encode(f"{ADMIN}:{self.password}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.ports.management, timeout=3)
        try:
            path = f"/api/health/checks/port-listener/{self.ports.amqp}"
            connection.request("GET", path, headers={"Authorization": f"Basic {token}"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _config(self) -> str:
        """Erlang terms rather than the newer format, whose translation would cost a second of every boot."""
        local = '{{tcp_config,[{{ip,"127.0.0.1"}},{{port,{}}}]}}'
        return CONFIG.format(
            amqp=self.ports.amqp, vhost=VHOST, admin=ADMIN, password=self.password,
            management=local.format(self.ports.management), prometheus=local.format(self.ports.prometheus),
            sync="datasync" if self.durable else "none",
        )  # fmt: skip


CONFIG = """\
[{{rabbit, [
   {{tcp_listeners, [{{"127.0.0.1", {amqp}}}]}},
   {{default_vhost, <<"{vhost}">>}},
   {{default_user, <<"{admin}">>}},
   {{default_pass, <<"{password}">>}},
   {{vm_memory_high_watermark, {{absolute, 1073741824}}}},
   {{disk_free_limit, 209715200}},
   {{channel_max, 256}},
   {{heartbeat, 10}},
   {{log, [{{console, [{{enabled, true}}, {{level, notice}}]}}]}}]}},
 {{ra, [{{wal_sync_method, {sync}}}]}},
 {{rabbitmq_management, [{management}]}},
 {{rabbitmq_prometheus, [{prometheus}]}}].
"""
