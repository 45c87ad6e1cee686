"""nginx in front of the services, from the template that the containers use too."""

import os
import re
import subprocess
from collections.abc import Mapping

from shared.provision import SERVICES
from shared.testing.servers.binaries import find

from .failure import CannotRun
from .home import ROOT, Home
from .state import State

TEMPLATE = ROOT / "deploy" / "gateway" / "nginx.conf.template"
NOBODY = "unix:"  # as nginx has it: a connection from a unix socket
LIMITS = {
    "GATEWAY_RATE": "100r/s",
    "GATEWAY_BURST": "200",
    "GATEWAY_AUTH_RATE": "10r/s",
    "GATEWAY_AUTH_BURST": "20",
}

# One process: killed, it leaves no workers behind that would hold on to the port.
MAIN = """\
daemon off;
master_process off;
pid "{directory}/nginx.pid";
error_log stderr warn;
events {{
    worker_connections 1024;
}}
http {{
    client_body_temp_path "{directory}/body";
    proxy_temp_path "{directory}/proxy";
    fastcgi_temp_path "{directory}/fastcgi";
    uwsgi_temp_path "{directory}/uwsgi";
    scgi_temp_path "{directory}/scgi";
    include "{directory}/gateway.conf";
}}
"""


def render(template: str, variables: Mapping[str, str]) -> str:
    """Fills in `${NAME}` for the given names only; nginx's own variables look alike and stay."""
    names = "|".join(map(re.escape, variables))
    return re.sub(rf"\$\{{({names})\}}", lambda match: variables[match[1]], template)


def variables_of(state: State) -> dict[str, str]:
    """Limits can be raised for load tests: `MDH_GATEWAY_RATE=10000r/s`."""
    upstreams = {f"{service.upper()}_UPSTREAM": f"127.0.0.1:{state.ports[f'{service}-api']}" for service in SERVICES}
    limits = {name: os.environ.get(f"MDH_{name}", default) for name, default in LIMITS.items()}
    return {
        "GATEWAY_LISTEN": f"127.0.0.1:{state.ports['gateway']}",
        "GATEWAY_ACCESS_LOG": "/dev/stdout",
        "GATEWAY_CACHE": "cache",  # below the gateway's own directory
        "GATEWAY_TRUSTED_PROXY": os.environ.get("MDH_GATEWAY_TRUSTED_PROXY", NOBODY),
        **limits,
        **upstreams,
    }


def prepare_gateway(home: Home, state: State) -> None:
    """Writes the configuration and lets nginx check it."""
    directory = home / "gateway"
    directory.mkdir(mode=0o700, exist_ok=True)
    gateway = render(TEMPLATE.read_text(), variables_of(state))
    (directory / "gateway.conf").write_text(gateway)
    (directory / "nginx.conf").write_text(MAIN.format(directory=directory))
    check = subprocess.run([*gateway_command(home), "-t", "-q"], capture_output=True, text=True, check=False)  # noqa: S603
    if check.returncode != 0:
        raise CannotRun(f"nginx refuses the gateway's configuration:\n{check.stderr.strip()}")


def gateway_command(home: Home) -> list[str]:
    directory = home / "gateway"
    return [
        str(find("nginx", "nginx-light")),
        "-p",
        str(directory),
        "-e",
        "stderr",
        "-c",
        str(directory / "nginx.conf"),
    ]
