"""Stands in for `mdh serve`: answers every request with what it got, so that the runner is tested without services."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = {"service": os.environ["MDH_SERVICE"], "path": self.path, "environment": dict(os.environ)}
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = answer  # noqa: N815  (the library calls it so)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    allow_reuse_address = True


if __name__ == "__main__":
    Server((os.environ["MDH_HOST"], int(os.environ["MDH_PORT"])), Echo).serve_forever()
