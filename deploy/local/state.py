"""What has to stay the same from one start to the next: ports and secrets, in `state.json`."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from shared.provision import SERVICES, Passwords
from shared.testing.servers import free_ports, is_free

from .failure import CannotRun

PREFERRED = {"gateway": 8080}

# Which ports a program listens on.
PORTS: dict[str, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "epmd": ("epmd",),
    "rabbitmq": ("amqp", "management", "prometheus", "distribution"),
    "gateway": ("gateway",),
    "mail": ("smtp", "mail"),
    "stripe": ("stripe",),
    **{f"{service}-{role}": (f"{service}-{role}",) for service in SERVICES for role in ("api", "worker")},
}


@dataclass
class State:
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    seeded: bool = False

    @classmethod
    def load(cls, path: Path) -> Self:
        """A new one when there is none yet."""
        if not path.exists():
            return cls()
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise CannotRun(f"{path} is damaged ({error}); `make reset` starts over, without the data") from error

    def save(self, path: Path) -> None:
        """Whole or not at all; readable by its owner only."""
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def secret(self, name: str, prefix: str = "") -> str:
        """Made when it is first asked for."""
        return self.secrets.setdefault(name, prefix + secrets.token_hex(20))

    def fernet_key(self, name: str) -> str:
        """A key that seals secrets: 32 bytes, in base64."""
        return self.secrets.setdefault(name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())

    def passwords(self) -> Mapping[str, Passwords]:
        """Every service's database roles and broker account."""
        return {service: self._passwords(service) for service in SERVICES}

    def _passwords(self, service: str) -> Passwords:
        return Passwords(
            owner=self.secret(f"{service}.owner"),
            app=self.secret(f"{service}.app"),
            amqp=self.secret(f"{service}.amqp"),
        )

    def choose_ports(self, running: set[str]) -> dict[str, tuple[int, int]]:
        """A port for everything; those of running programs stay. Answers which had to move, and from where to where."""
        moved: dict[str, tuple[int, int]] = {}
        waiting = [port for program, ports in PORTS.items() if program not in running for port in ports]
        fresh = iter(p for p in free_ports(4 * len(waiting)) if p not in self.ports.values())
        for name in waiting:
            before = self.ports.get(name)
            if before and is_free(before):
                continue
            wanted = PREFERRED.get(name, 0)
            self.ports[name] = wanted if wanted and wanted != before and is_free(wanted) else next(fresh)
            if before:
                moved[name] = (before, self.ports[name])
        return moved
