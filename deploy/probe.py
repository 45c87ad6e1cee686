"""`python -IS probe.py /health/ready`: exit code 0 if the process of this container answers 200 there.

It runs for every container every few seconds, so it imports next to nothing: an HTTP library takes ten times as long.
"""

import socket
import sys

PORT = 8000


def main(path: str) -> int:
    with socket.create_connection(("127.0.0.1", PORT), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        status = connection.makefile("rb").readline()
    return 0 if b" 200 " in status else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
