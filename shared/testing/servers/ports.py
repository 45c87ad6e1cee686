"""Ports for private servers."""

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
    """Chosen at random, so that several test runs on one machine rarely meet."""
    chosen: list[int] = []
    for port in random.sample(RANGE, len(RANGE)):
        if len(chosen) == count:
            break
        if is_free(port):
            chosen.append(port)
    return chosen
