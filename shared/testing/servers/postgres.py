"""A private PostgreSQL server."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import binaries, private_directory
from .process import Process, ServerFailed

ADMIN = "mdh_admin"
ORDINARY_USERS = ("postgres", "nobody")
SOCKET_PATH_LIMIT = 90


@dataclass
class Postgres:
    """Its data in `home/data`. Started as root it runs as an ordinary user, because PostgreSQL refuses root.

    `durable=False` gives up what only a power failure needs, for tests.
    """

    home: Path
    port: int
    password: str
    durable: bool = True
    max_connections: int = 300
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.bin = binaries.postgres_directory()
        self.process = Process("postgres", self.home / "postgres.log")

    @property
    def user(self) -> str | None:
        """Whom to run as; None: whoever we are."""
        return ordinary_user() if os.geteuid() == 0 else None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def place(self) -> Path:
        """Where the data really are."""
        return private_directory.place_of(self.data, self.user)

    @property
    def command(self) -> list[str]:
        settings = self._settings() | ({} if self.durable else UNSAFE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.place), *options]

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": f"{self.bin}:{binaries.SYSTEM_PATH}", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    @property
    def admin_url(self) -> str:
        return f"postgresql://{ADMIN}:{self.password}@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Make the data directory, once."""
        self.home.mkdir(parents=True, exist_ok=True)
        private_directory.make(self.data, self.user)
        if not (self.data / "PG_VERSION").exists():
            self._initdb()

    def start(self) -> None:
        self.process.start(self.command, self.env, self.user)

    def stop(self) -> None:
        """Immediate when nothing is to be kept, else fast: running transactions are rolled back."""
        self.process.stop(signal.SIGINT if self.durable else signal.SIGQUIT, timeout=20)

    def wait_ready(self, timeout: float = 30) -> None:
        self.process.wait_until(self.is_ready, timeout)

    def is_ready(self) -> bool:
        """Whether our superuser can ask it something: another server on the port would not know the password."""
        query = [str(self.bin / "psql"), "-XAtq", "-c", "select 1", "-h", "127.0.0.1", "-p", str(self.port)]
        env = self.env | {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "3"}
        result = subprocess.run(  # noqa: S603
            [*query, "-U", ADMIN, "-d", "postgres"], env=env, cwd="/", capture_output=True, check=False
        )
        return result.stdout.strip() == b"1"

    def remove(self) -> None:
        """Delete the data, wherever it is."""
        private_directory.remove(self.data)

    def _initdb(self) -> None:
        """In a directory below the final one, so that an interrupted attempt is never taken for a cluster."""
        target = self.place
        private_directory.empty(target)
        draft, secret = target / "draft", target / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        try:
            if self.user:
                shutil.chown(secret, self.user)
            self._run_initdb(draft, secret)
        finally:
            secret.unlink()
        for part in sorted(draft.iterdir(), key=lambda path: path.name == "PG_VERSION"):
            part.rename(target / part.name)
        draft.rmdir()

    def _run_initdb(self, directory: Path, secret: Path) -> None:
        options = ["-U", ADMIN, "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale=C.UTF-8"]
        entry = pwd.getpwnam(self.user) if self.user else None
        result = subprocess.run(  # noqa: S603
            [str(self.bin / "initdb"), "-D", str(directory), *options, "--no-sync", "--no-instructions"],
            env=self.env, cwd="/", user=self.user, group=entry.pw_gid if entry else None,
            extra_groups=[] if entry else None, capture_output=True, check=False, text=True,
        )  # fmt: skip
        if result.returncode != 0:
            raise ServerFailed(f"initdb failed:\n{result.stderr.strip() or result.stdout.strip()}")

    def _settings(self) -> dict[str, str]:
        sockets = str(self.place)
        return {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": sockets if len(sockets) < SOCKET_PATH_LIMIT else "",
            "max_connections": str(self.max_connections),
            "shared_buffers": "128MB",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "jit": "off",  # compiling costs more than our short statements take
        }


UNSAFE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
}


def ordinary_user() -> str:
    """The OS user that PostgreSQL runs as when we are root."""
    for name in ORDINARY_USERS:
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise ServerFailed(f"PostgreSQL refuses to run as root, and there is no user {' or '.join(ORDINARY_USERS)}")
