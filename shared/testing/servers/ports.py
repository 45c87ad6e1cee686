"""Ports for private servers."""

import os
import random
import socket

# Below the range that the kernel gives to outgoing connections, which would take a port between choice and use.
RANGE = range(20_000, 32_000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Chosen at random, so that several test runs on one machine rarely meet; the processes of one run never do."""
    ours = _ours()
    chosen: list[int] = []
    for port in random.sample(ours, len(ours)):
        if len(chosen) == count:
            break
        if is_free(port):
            chosen.append(port)
    return chosen


def _ours() -> range:
    """Between choice and use a port is free for all: so pytest-xdist's processes share the range out."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return RANGE[int(number) :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
