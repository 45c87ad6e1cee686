"""The local system's administrator, made as an operator makes one."""

import subprocess
import sys
from collections.abc import Mapping

from .environment import clean_environment
from .failure import CannotRun
from .home import ROOT

ADMIN_EMAIL = "admin@example.com"


def ensure_admin(identity: Mapping[str, str], password: str) -> None:
    """`identity` is that service's environment. An administrator who is there already is left alone."""
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "services.identity.admin", "create", "--email", ADMIN_EMAIL],
        cwd=ROOT,
        env=clean_environment() | {**identity, "MDH_STAFF_PASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise CannotRun(f"the administrator's account was not made:\n{result.stderr.strip()}")
