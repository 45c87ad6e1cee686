"""A service behind the gateway: remembers what reached it and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    names: list[str]


@dataclass
class Upstream:
    port: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-request-id: its-own\r\n\r\nok"
    hang_up: bool = False
    received: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                self.received.append(request)
                if self.hang_up:
                    break
                writer.write(self.answer)
                await writer.drain()
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    pairs = [line.split(": ", 1) for line in head[1:] if line]
    headers = {name.lower(): value for name, value in pairs}
    await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = head[0].split(" ")
    return Received(method, path, headers, [name.lower() for name, _ in pairs])


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
