"""The three servers that are not Python: PostgreSQL, RabbitMQ, nginx."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from shared.testing.servers import MissingBinary
from shared.testing.servers.binaries import find, postgres_directory, rabbitmq_server

from .failure import CannotRun
from .screen import say

NEEDED: dict[str, Callable[[], Path]] = {
    "postgresql": postgres_directory,
    "rabbitmq-server": rabbitmq_server,
    "nginx-light": lambda: find("nginx", "nginx-light"),
}

# Debian starts servers when it installs them, now and at every boot, and makes a first PostgreSQL cluster. The system
# brings private ones instead, so for the time of the installation all of that is switched off.
INSTALLATION = """\
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/mdh.conf
undo() {
    rm -f "$cluster"
    if [ -n "${ours:-}" ]; then rm -f "$policy"; fi
}
trap undo EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    ours=yes
    printf '#!/bin/sh\\nexit 101\\n' > "$policy"
    chmod 755 "$policy"
fi
mkdir -p "$(dirname "$cluster")"
echo 'create_main_cluster = false' > "$cluster"
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
if command -v systemctl > /dev/null; then
    for package in "$@"; do
        case "$package" in
            postgresql) unit=postgresql ;;
            rabbitmq-server) unit=rabbitmq-server ;;
            nginx-light) unit=nginx ;;
            *) continue ;;
        esac
        systemctl disable -q "$unit" 2> /dev/null || true
    done
fi
"""


def missing_packages() -> list[str]:
    """Debian's names of what is not installed."""
    missing = []
    for package, locate in NEEDED.items():
        try:
            locate()
        except MissingBinary:
            missing.append(package)
    return missing


def ensure_installed() -> None:
    """Install what is missing, if we may; else say what to type."""
    missing = missing_packages()
    if not missing:
        return
    command = _command(missing)
    say(f"Installing {', '.join(missing)} with apt-get (not started, not enabled at boot)")
    result = subprocess.run(command, input=INSTALLATION, text=True, check=False)  # noqa: S603
    if result.returncode != 0 or missing_packages():
        raise CannotRun(f"apt-get could not install {', '.join(missing)}; what it said is above")


def _command(packages: list[str]) -> list[str]:
    by_hand = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise CannotRun(f"{', '.join(packages)} not found, and this system has no apt-get; install them and try again")
    shell = ["/bin/sh", "-s", "--", *packages]
    if os.geteuid() == 0:
        return shell
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return [sudo, "-n", *shell]
    raise CannotRun(f"{', '.join(packages)} not installed, and installing needs root. Run this, then try again:\n\n"
                    f"    sudo {by_hand}\n")  # fmt: skip
