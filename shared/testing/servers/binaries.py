"""Where the servers' programs are. Debian keeps them off PATH: several versions may be installed side by side."""

import os
import shutil
from pathlib import Path

POSTGRES_DIRECTORIES = "/usr/lib/postgresql"
RABBITMQ_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class MissingBinary(Exception):
    """A program that is needed is not installed."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} is not installed (Debian package {package})")
        self.program = program
        self.package = package


def search_path() -> str:
    """PATH, and the directories of system programs that an ordinary user's PATH leaves out."""
    return f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"


def find(program: str, package: str) -> Path:
    found = shutil.which(program, path=search_path())
    if found is None:
        raise MissingBinary(program, package)
    return Path(found)


def postgres_directory() -> Path:
    """The directory that holds postgres, initdb and psql: the newest version that is complete."""
    versions = sorted(Path(POSTGRES_DIRECTORIES).glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("postgres", path=search_path())
    candidates = [*versions, *([Path(on_path).resolve().parent] if on_path else [])]
    for directory in candidates:
        if all((directory / program).exists() for program in ("postgres", "initdb", "psql")):
            return directory
    raise MissingBinary("postgres", "postgresql")


def _version(directory: Path) -> int:
    name = directory.parent.name
    return int(name) if name.isdigit() else 0


def rabbitmq_server() -> Path:
    """The server's own script. Debian's wrapper in /usr/sbin refuses every user but root and rabbitmq."""
    if RABBITMQ_SERVER.exists():
        return RABBITMQ_SERVER
    return find("rabbitmq-server", "rabbitmq-server").resolve()
