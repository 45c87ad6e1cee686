"""Where one local system keeps everything that it writes."""

import hashlib
import os
from pathlib import Path

import deploy

ROOT = Path(deploy.__file__).resolve().parent.parent
# A unix socket's path has 107 characters at most, and supervisord first makes one with its pid appended.
SOCKET_PATH_LIMIT = 90


class Home:
    """One directory, one system; several run side by side."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def state(self) -> Path:
        return self / "state.json"

    @property
    def logs(self) -> Path:
        return self / "logs"

    @property
    def keys(self) -> Path:
        return self / "keys"

    @property
    def supervisor_config(self) -> Path:
        return self / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self / "supervisord.pid"

    @property
    def socket(self) -> Path:
        inside = self / "control.sock"
        if len(str(inside)) <= SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return Path(f"/tmp/mdh-{os.getuid()}-{digest}.sock")  # noqa: S108

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def make(self) -> None:
        """For us alone: secrets and customers' data lie in it. Root's may be passed through, by PostgreSQL's user."""
        if not self.path.exists():
            self.path.mkdir(parents=True)
            self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for directory in (self.logs, self.keys):
            directory.mkdir(mode=0o700, exist_ok=True)
