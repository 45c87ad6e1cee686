"""Other people's calendars, read over the network. Whoever types an address here chooses whom this server asks.

Names are resolved once, every address is judged, and the connection goes to one of those that were judged: what the
name means a moment later does not matter. Each redirect is judged anew. What comes back is read by a program of its
own (`ics.py`) that is killed when it takes too long.
"""

import asyncio
import json
import re
import ssl
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from socket import SOCK_STREAM
from typing import Any

import httpx

from shared.tasks import NotNow

from .domain.calendars import PORTS, AddressNotAllowed, ExternalCalendar, Reading, Trouble, Unreadable, may_be_asked
from .domain.feeds import host_of, uids_of
from .settings import Settings

SECONDS = 10  # for all of a fetch: names, redirects, content
WAITING_SECONDS = 6  # for others to be read; all in all less than a task may take
READING_SECONDS = 12
MOST_BYTES = 2 * 1024 * 1024  # unpacked
MOST_REDIRECTS = 3
MOST_ADDRESSES = 4  # of one name that are tried
AT_ONCE = 2  # programs that read
LATER = timedelta(seconds=30)
MOST_VALIDATOR = 200  # characters; a longer one is not sent back
PROGRAM = Path(__file__).parent / "ics.py"
ASKING = {
    "Accept": "text/calendar, */*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "MobileDetailHub/1 (calendars)",
}
REDIRECTS = {301, 302, 303, 307, 308}

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]


async def resolve(host: str, port: int) -> list[Address]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [ip_address(str(where[0])) for *_, where in found]


class Calendars:
    """What we need of other people's calendars. Whatever goes wrong is `Unreadable`."""

    def __init__(self, settings: Settings, *, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        self._local, self._resolve, self._given_tls = settings.calendars_may_be_local, resolve, tls
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self.host = host_of(settings.public_url)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context(trust_env=False)

    def must_be_an_address(self, url: str) -> None:
        """`AddressNotAllowed` for what is not even to be looked up."""
        if not self._may_be_looked_up(url):
            raise AddressNotAllowed

    def _may_be_looked_up(self, url: str) -> bool:
        try:
            parts = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            return False
        if parts.userinfo or not parts.host:
            return False
        return self._local or (parts.scheme == "https" and (parts.port or 443) in PORTS)

    async def read(self, calendar: ExternalCalendar, zone: str, first: datetime, last: datetime) -> Reading:
        """When it is busy between `first` and `last`, the affiliate's own bookings left out."""
        try:
            async with asyncio.timeout(SECONDS):
                answer, content = await self._fetch(calendar.url, calendar.conditions(last))
        except TimeoutError as error:
            raise Unreadable(Trouble.TOO_SLOW) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:  # TLS and unknown names: OSErrors
            raise Unreadable(Trouble.NO_ANSWER) from error
        if answer.status_code == 304:
            return Reading(None, last)
        ours = uids_of(calendar.affiliate_id, self.host)
        asked = {"zone": zone, "first": first.isoformat(), "last": last.isoformat(), "ours": ours}
        busy = await self._busy(json.dumps(asked).encode() + b"\n" + content)
        return Reading(busy, last, _validator(answer, "etag"), _validator(answer, "last-modified"))

    async def _fetch(self, url: str, conditions: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        for _ in range(1 + MOST_REDIRECTS):
            if not self._may_be_looked_up(url):
                raise Unreadable(Trouble.FORBIDDEN_ADDRESS)
            answer, content = await self._get(httpx.URL(url), conditions)
            if answer.status_code not in REDIRECTS:
                break
            url = str(httpx.URL(url).join(answer.headers.get("location", "")))
        else:
            raise Unreadable(Trouble.TOO_MANY_REDIRECTS)
        if answer.status_code != 200 and not (answer.status_code == 304 and conditions):
            raise Unreadable(Trouble.REFUSED)
        return answer, content

    async def _get(self, url: httpx.URL, conditions: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        """From the first address that answers; each asked only once all of them are known to be allowed."""
        host = url.raw_host.decode("ascii")
        addresses = await self._resolve(host.strip("[]"), url.port or (443 if url.scheme == "https" else 80))
        if not addresses or not (self._local or all(may_be_asked(address) for address in addresses)):
            raise Unreadable(Trouble.FORBIDDEN_ADDRESS if addresses else Trouble.NO_ANSWER)
        tried = addresses[:MOST_ADDRESSES]
        for address in tried[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._get_from(address, url, conditions)
        return await self._get_from(tried[-1], url, conditions)

    async def _get_from(
        self, address: Address, url: httpx.URL, conditions: Mapping[str, str]
    ) -> tuple[httpx.Response, bytes]:
        """A connection of its own: one that is kept would be taken for another name at the same address."""
        headers = {"Host": url.netloc.decode("ascii"), **ASKING, **conditions}
        name = {"sni_hostname": url.raw_host.decode("ascii").strip("[]")}
        client = httpx.AsyncClient(verify=self._tls, trust_env=False, follow_redirects=False, timeout=SECONDS)
        async with (
            client,
            client.stream("GET", url.copy_with(host=str(address)), headers=headers, extensions=name) as answer,
        ):
            return answer, await _content(answer) if answer.status_code == 200 else b""

    async def _busy(self, told: bytes) -> list[tuple[datetime, datetime]]:
        """`NotNow` while others take long: that is not this calendar's fault."""
        try:
            async with asyncio.timeout(WAITING_SECONDS):
                await self._at_once.acquire()
        except TimeoutError as error:
            raise NotNow(LATER) from error
        try:
            out, code = await _run(told)
        finally:
            self._at_once.release()
        answer: dict[str, Any] = json.loads(out) if code == 0 else {"refused": Trouble.TOO_MUCH}
        if "refused" in answer:
            raise Unreadable(Trouble(answer["refused"]))
        return [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in answer["busy"]]


async def _content(answer: httpx.Response) -> bytes:
    """Unpacked here, a piece at a time: a small answer can be a very large one."""
    packed = answer.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("identity", "gzip", "x-gzip"):
        raise Unreadable(Trouble.NOT_A_CALENDAR)
    content = bytearray()
    pieces = answer.aiter_raw() if packed == "identity" else _unpacked(answer)
    async for piece in pieces:
        content += piece
        if len(content) > MOST_BYTES:
            raise Unreadable(Trouble.TOO_LARGE)
    return bytes(content)


async def _unpacked(answer: httpx.Response) -> AsyncIterator[bytes]:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        async for piece in answer.aiter_raw():
            yield unpacking.decompress(piece, MOST_BYTES + 1)
            if unpacking.unconsumed_tail:
                raise Unreadable(Trouble.TOO_LARGE)
    except zlib.error as error:
        raise Unreadable(Trouble.NOT_A_CALENDAR) from error
    if not unpacking.eof:
        raise Unreadable(Trouble.NOT_A_CALENDAR)


def _validator(answer: httpx.Response, name: str) -> str | None:
    """To be sent back as it is, if it is one."""
    given = answer.headers.get(name)
    return given if given and re.fullmatch(rf"[\x20-\x7e]{{1,{MOST_VALIDATOR}}}", given) else None


async def _run(told: bytes) -> tuple[bytes, int]:
    """What the reading program answers, and its exit code; other than 0, also if it had to be killed."""
    pipe = asyncio.subprocess.PIPE
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(PROGRAM), stdin=pipe, stdout=pipe, stderr=nowhere, env={}
    )
    try:
        async with asyncio.timeout(READING_SECONDS):
            out, _ = await process.communicate(told)
    except TimeoutError:
        return b"", 1
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out, process.returncode or 0
